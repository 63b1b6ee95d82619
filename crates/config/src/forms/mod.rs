//! Forms: the texts inside strings (addresses, gateways, ranges, patterns) and how to read each.
//!
//! A form is read by one function; the check of a configuration and the building of its picture both
//! call it. Nothing here knows where in the text it stands, only the offset inside the string.

pub(crate) mod account;
pub(crate) mod calendar;
pub(crate) mod called;
pub(crate) mod expression;
pub(crate) mod headers;
pub(crate) mod number;
pub(crate) mod plain;

pub(crate) use config_model::net;
pub(crate) use config_text::{Flaw, Form, time};
