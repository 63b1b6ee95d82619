//! Forms: the texts inside strings (addresses, gateways, ranges, patterns) and how to read each.
//!
//! A form is read by one function; the check of a configuration and the building of its picture both
//! call it. Nothing here knows where in the text it stands, only the offset inside the string.

pub mod account;
pub mod calendar;
pub mod called;
pub mod expression;
pub mod headers;
pub mod number;
pub mod plain;

pub use crate::net;
pub use config_text::{Flaw, Form, time};
