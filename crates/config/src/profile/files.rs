//! The built-in files.

/// Name for messages, and text.
macro_rules! files {
    ($($name:literal)+) => {
        &[$((concat!($name, ".toml"), include_str!(concat!("../../profiles/", $name, ".toml"))),)+]
    };
}

pub(super) const FILES: &[(&str, &str)] = files![
    "generic-itsp" "generic-pbx" "generic-gateway"
    "asterisk" "freeswitch" "3cx" "cisco-cucm" "avaya" "lync-2013" "teams-direct-routing"
    "twilio-elastic" "telnyx" "telekom-companyflex" "vodafone-de" "tim-it" "fastweb-it" "orange-btip"
    "swisscom" "bt" "gamma" "sipgate" "bandwidth"
];
