//! What a server may do with each message of RFC 4475.
