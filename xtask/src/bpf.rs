//! The kernel's program: `crates/fastpath/bpf/relay.c` compiled into the object that is committed beside it.
//! Debian's clang-14 and the kernel's headers are all it takes; nobody needs either to build the server.

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

const COMPILER: &str = "clang-14";
const FOLDER: &str = "crates/fastpath/bpf";
const OBJECT: &str = "relay.o";

/// Compiles into the committed object.
pub(crate) fn command(root: &Path) -> ExitCode {
    match compile(root, &root.join(FOLDER).join(OBJECT)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{COMPILER}: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compile(root: &Path, out: &Path) -> io::Result<bool> {
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let mut compiler = Command::new(COMPILER);
    compiler.current_dir(root.join(FOLDER)).args(["-O2", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror"]);
    Ok(compiler.arg(headers).args(["-c", "relay.c", "-o"]).arg(out).status()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_object_is_what_its_source_gives() {
        let root = crate::root();
        let out = std::env::temp_dir().join(format!("tronco-relay-{}.o", std::process::id()));
        match compile(&root, &out) {
            Ok(built) => assert!(built, "the source does not compile"),
            Err(error) => return println!("skipped, no {COMPILER} here: {error}"),
        }
        let (built, committed) = (std::fs::read(&out).unwrap(), root.join(FOLDER).join(OBJECT));
        std::fs::remove_file(&out).unwrap();
        assert!(
            built == std::fs::read(&committed).unwrap(),
            "{} is not what relay.c gives: `cargo run -p xtask -- bpf`",
            committed.display()
        );
    }
}
