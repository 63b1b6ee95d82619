//! How requests that belong to no call get to an address of a gateway.

use crate::runs::{Runs, TargetRef};
use crate::targets::Target;
use base::Transport;
use sip_core::Flow;
use sip_core::registrar::Binding;

impl Runs {
    /// The URI and flow of OPTIONS to an address, its Route appended to `rows`.
    pub fn way_to(&self, at: TargetRef, target: Target, rows: &mut Vec<u8>) -> (Vec<u8>, Flow) {
        if let Some(binding) = self.binding_at(at) {
            push_path(binding, rows);
            return (sip_core::request_uri_form(&binding.contact).into_vec(), binding.flow);
        }
        let run = self.gateway(at.gateway);
        let port = run.port.map(|p| format!(":{p}")).unwrap_or_default();
        let parameter = match target.transport {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
        };
        let uri = format!("sip:{}{port}{parameter}", run.host).into_bytes();
        let (listen, trunk) = (run.listen, Some(run.trunk_id));
        (uri, Flow { listen, transport: target.transport, remote: target.address, conn: None, trunk })
    }
}

/// Appends the Route rows of a binding.
pub fn push_path(binding: &Binding, rows: &mut Vec<u8>) {
    for value in &binding.path {
        rows.extend_from_slice(b"Route: ");
        // No value becomes a header.
        rows.extend(value.iter().map(|&c| if matches!(c, b'\r' | b'\n' | 0) { b' ' } else { c }));
        rows.extend_from_slice(b"\r\n");
    }
}
