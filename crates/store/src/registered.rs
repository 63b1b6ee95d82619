//! What users have registered, in a file beside the records: written anew as it changes, read at the next start.

use crate::error::StoreError;
use b2bua::view::KeptBinding;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// A file that is longer was not written by us.
const FILE_MAX: u64 = 64 << 20;

/// One registered contact, as it stands in the file.
#[derive(Serialize, Deserialize)]
struct Row {
    trunk: String,
    user: String,
    contact: String,
    instance: Option<String>,
    reg_id: Option<u32>,
    q: u16,
    bulk: bool,
    until_us: u64,
    remote: SocketAddr,
    path: Vec<String>,
    agent: String,
    call_id: String,
    cseq: u32,
}

fn file(directory: &Path) -> PathBuf {
    directory.join("registered.json")
}

/// Writes what is registered now, in place of what was; a reader sees the one or the other.
///
/// # Errors
/// The directory cannot be written.
pub fn write_registered(directory: &Path, all: &[KeptBinding]) -> Result<(), StoreError> {
    let rows: Vec<Row> = all.iter().cloned().map(Row::from).collect();
    let text = serde_json::to_vec(&rows).unwrap_or_default();
    let (path, fresh) = (file(directory), directory.join("registered.json.new"));
    let write = || -> std::io::Result<()> {
        let mut out = fs::File::create(&fresh)?;
        out.write_all(&text)?;
        fs::rename(&fresh, &path)
    };
    write().map_err(StoreError::file(&path))
}

/// What was registered when it was last written; a file that is missing or damaged holds nothing.
#[must_use]
pub fn read_registered(directory: &Path) -> Vec<KeptBinding> {
    let path = file(directory);
    if fs::metadata(&path).map_or(true, |meta| meta.len() > FILE_MAX) {
        return Vec::new();
    }
    let rows: Vec<Row> = match fs::read(&path).map(|text| serde_json::from_slice(&text)) {
        Ok(Ok(rows)) => rows,
        _ => {
            tracing::warn!(path = %path.display(), "what was registered cannot be read; users register anew");
            return Vec::new();
        }
    };
    rows.into_iter().map(KeptBinding::from).collect()
}

impl From<KeptBinding> for Row {
    fn from(one: KeptBinding) -> Row {
        let KeptBinding { trunk, user, contact, instance, reg_id, q, bulk, until, .. } = one;
        let KeptBinding { remote, path, agent, call_id, cseq, .. } = one;
        Row {
            trunk,
            user,
            contact,
            instance,
            reg_id,
            q,
            bulk,
            until_us: until,
            remote,
            path,
            agent,
            call_id,
            cseq,
        }
    }
}

impl From<Row> for KeptBinding {
    fn from(row: Row) -> KeptBinding {
        let Row { trunk, user, contact, instance, reg_id, q, bulk, until_us: until, .. } = row;
        let Row { remote, path, agent, call_id, cseq, .. } = row;
        KeptBinding {
            trunk,
            user,
            contact,
            instance,
            reg_id,
            q,
            bulk,
            until,
            remote,
            path,
            agent,
            call_id,
            cseq,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_read_and_what_is_damaged_is_nothing() {
        let directory = std::env::temp_dir().join(format!("tronco-registered-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        assert_eq!(read_registered(&directory), []);
        let one = KeptBinding {
            trunk: "phones".into(),
            user: "anna".into(),
            contact: "sip:x@192.0.2.1".into(),
            instance: Some("<urn:uuid:1>".into()),
            reg_id: Some(1),
            q: 500,
            bulk: false,
            until: 1_700_000_000_000_000,
            remote: "192.0.2.1:5060".parse().unwrap(),
            path: vec!["<sip:edge;lr>".into()],
            agent: "phone".into(),
            call_id: "c".into(),
            cseq: 7,
        };
        write_registered(&directory, std::slice::from_ref(&one)).unwrap();
        assert_eq!(read_registered(&directory), [one]);
        fs::write(file(&directory), "[{\"trunk\":").unwrap();
        assert_eq!(read_registered(&directory), []);
        fs::remove_dir_all(directory).unwrap();
    }
}
