//! The built-in files.

/// Name for messages, and text.
macro_rules! files {
    ($($name:literal)+) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../profiles/", $name, ".toml"))),)+]
    };
}

pub(super) const FILES: &[(&str, &str)] = files!["generic-itsp" "generic-pbx" "generic-gateway"];
