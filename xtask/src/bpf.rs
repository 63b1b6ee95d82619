//! The programs for the kernel, compiled into the objects that are committed beside their sources: the media engine, and
//! the speaker and hearer that measure it. Debian's clang-14 and the kernel's headers are all it takes; nobody needs
//! either to build the server.

use std::io;
use std::path::Path;
use std::process::{Command, ExitCode};

const COMPILER: &str = "clang-14";
/// Folder, source and object of each, and what the compiler is told besides.
const PROGRAMS: [(&str, &str, &str, &[&str]); 3] = [
    ("crates/fastpath/bpf", "relay", "relay", &[]),
    ("crates/fastpath/bpf", "relay", "plain", &["-DPLAIN"]),
    ("crates/bench/bpf", "frames", "frames", &[]),
];

/// Compiles into the committed objects.
pub(crate) fn command(root: &Path) -> ExitCode {
    for (folder, name, object, more) in PROGRAMS {
        let folder = root.join(folder);
        match compile(&folder, (name, more), &folder.join(format!("{object}.o"))) {
            Ok(true) => {}
            Ok(false) => return ExitCode::FAILURE,
            Err(error) => {
                eprintln!("{COMPILER}: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

fn compile(folder: &Path, (name, more): (&str, &[&str]), out: &Path) -> io::Result<bool> {
    let headers = format!("-I/usr/include/{}-linux-gnu", std::env::consts::ARCH);
    let mut compiler = Command::new(COMPILER);
    compiler.current_dir(folder).args(["-O2", "-target", "bpf", "-mcpu=v3", "-Wall", "-Werror"]);
    compiler.arg(headers).args(more).args(["-c", &format!("{name}.c"), "-o"]).arg(out);
    Ok(compiler.status()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_objects_are_what_their_sources_give() {
        for (folder, name, object, more) in PROGRAMS {
            let folder = crate::root().join(folder);
            let out = std::env::temp_dir().join(format!("tronco-{object}-{}.o", std::process::id()));
            match compile(&folder, (name, more), &out) {
                Ok(built) => assert!(built, "{name}.c does not compile"),
                Err(error) => return println!("skipped, no {COMPILER} here: {error}"),
            }
            let (built, committed) = (std::fs::read(&out).unwrap(), folder.join(format!("{object}.o")));
            std::fs::remove_file(&out).unwrap();
            assert!(
                built == std::fs::read(&committed).unwrap(),
                "{} is not what {name}.c gives: `cargo run -p xtask -- bpf`",
                committed.display()
            );
        }
    }
}
