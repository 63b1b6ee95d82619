//! `tronco demo`: the real server between a scripted IP-PBX and a scripted provider, on loopback.
//!
//! Nothing is needed but this program: configuration, peers and calls are embedded, records live in a
//! temporary folder that goes with the demo. What the peers see and hear is checked call by call; the
//! exit code tells the outcome. Enter through [`demo`].

mod board;
mod ground;
mod heard;
mod judge;
mod ladder;
mod peer;
mod report;
mod script;
mod stay;

use crate::exit::{self, Failure};
use crate::load::{LoadError, load};
use crate::print::Output;
use crate::run::{self, Obstacle, Running};
use board::Board;
use clap::Args;
use ground::Ground;
use judge::{Case, judge};
use peer::{Peers, Sockets};
use script::{Script, scripts};
use std::fs::DirBuilder;
use std::io::{self, IsTerminal};
use std::net::IpAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use store::{LIMIT_MAX, Query, Store, StoredCall};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{sleep, timeout};

/// The whole demo, without `--stay`.
const DEMO_MAX: Duration = Duration::from_secs(30);
/// All calls must be over by then.
const CALLS_WITHIN: Duration = Duration::from_secs(20);
/// The last record must be stored this soon after the last call.
const RECORDS_WITHIN: Duration = Duration::from_secs(3);
/// How long the peers have to tell of calls that are not over.
const CLOSE_WITHIN: Duration = Duration::from_millis(200);
/// How long the server may take to end.
const HALT_WITHIN: Duration = Duration::from_secs(5);
/// How often is looked whether something awaited is there.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Between the peers' start and the first call.
const FIRST_CALL: Duration = Duration::from_millis(50);
/// Names for the folder that are tried.
const FOLDERS_MAX: u32 = 100;

/// What is asked for.
#[derive(Args, Clone, Debug)]
pub(crate) struct Wanted {
    /// How many calls to place.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u16).range(4..=200))]
    calls: u16,
    /// The call whose ladder and record are shown.
    #[arg(long, value_name = "CALL", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=200))]
    ladder: u16,
    /// Keep serving afterwards, until SIGINT or SIGTERM.
    #[arg(long)]
    stay: bool,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    /// Print the embedded configuration and do nothing else.
    #[arg(long)]
    print_config: bool,
}

/// What stands in the way of a demo.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("no folder in {}: {error}", at.display())]
    Folder { at: PathBuf, error: io::Error },
    #[error("no free addresses on loopback: {0}")]
    Addresses(io::Error),
    #[error("no datagram gets to {0}: is the interface `lo` up, and loopback not filtered?")]
    Loopback(IpAddr),
    #[error("the embedded configuration: {0}")]
    Config(LoadError),
    #[error(transparent)]
    Server(#[from] Obstacle),
    #[error("the scripted peers: {0}")]
    Peers(io::Error),
    #[error("no event loop: {0}")]
    Loop(io::Error),
    #[error("the records cannot be read: {0}")]
    Records(#[from] store::StoreError),
    #[error("{0}")]
    Output(#[from] Failure),
    #[error("not done after {} s", DEMO_MAX.as_secs())]
    Slow,
    #[error("interrupted")]
    Interrupted,
}

/// Runs the demo. Exit code 0 only if every check passed.
pub(crate) fn demo(wanted: &Wanted) -> Result<ExitCode, Failure> {
    if wanted.print_config {
        let folder = std::env::temp_dir().join("tronco-demo");
        let ground = Ground::candidates(&folder).next();
        Output::new(false).text(&ground.map(|ground| ground.config()).unwrap_or_default())?;
        return Ok(ExitCode::SUCCESS);
    }
    if wanted.ladder > wanted.calls {
        let Wanted { ladder, calls, .. } = wanted;
        return Err(Failure::Usage(format!("--ladder {ladder}: there are only {calls} calls; see --calls")));
    }
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let outcome = tokio.map_err(Trouble::Loop).and_then(|tokio| {
        let outcome = tokio.block_on(whole(wanted));
        // A question that still waits for its answer must not hold the process.
        tokio.shutdown_background();
        outcome
    });
    match outcome {
        Ok(None) => Ok(ExitCode::SUCCESS),
        Ok(Some(failed)) => {
            eprintln!("tronco demo: FAILED: {failed}");
            Ok(ExitCode::from(exit::CHECK_FAILED))
        }
        Err(Trouble::Output(failure)) => Err(failure),
        Err(trouble) => {
            eprintln!("tronco demo: {trouble}");
            Ok(ExitCode::from(exit::FAILED))
        }
    }
}

/// A folder of ours alone; it goes when this does.
struct Folder(PathBuf);

impl Folder {
    fn make() -> Result<Folder, Trouble> {
        let at = std::env::temp_dir();
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in 0..FOLDERS_MAX {
            let path = at.join(format!("tronco-demo-{}-{number}", std::process::id()));
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Folder(path)),
                Err(error) => last = error,
            }
            if last.kind() != io::ErrorKind::AlreadyExists {
                break;
            }
        }
        Err(Trouble::Folder { at, error: last })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("tronco demo: {} is left behind: {error}", self.0.display());
        }
    }
}

/// Demo, stay, end; the check that failed, if one did.
async fn whole(wanted: &Wanted) -> Result<Option<String>, Trouble> {
    let begin = Instant::now();
    let folder = Folder::make()?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(Trouble::Loop)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(Trouble::Loop)?;
    let mut stage = tokio::select! {
        stage = timeout(DEMO_MAX, Stage::set(wanted, &folder.0)) => stage.map_err(|_| Trouble::Slow)??,
        _ = interrupt.recv() => return Err(Trouble::Interrupted),
        _ = terminate.recv() => return Err(Trouble::Interrupted),
    };
    let left = DEMO_MAX.saturating_sub(begin.elapsed() + HALT_WITHIN);
    let outcome = tokio::select! {
        played = timeout(left, stage.play(wanted, begin)) => played.unwrap_or(Err(Trouble::Slow)),
        _ = interrupt.recv() => Err(Trouble::Interrupted),
        _ = terminate.recv() => Err(Trouble::Interrupted),
    };
    if wanted.stay && outcome.is_ok() {
        stage.peers.open();
        tokio::select! {
            stayed = stay::stay(&stage, wanted.json) => stayed?,
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
    stage.clear().await;
    outcome
}

/// The running server and its peers.
struct Stage {
    ground: Ground,
    running: Running,
    peers: Peers,
    board: Arc<Board>,
    scripts: Arc<[Script]>,
}

impl Stage {
    /// Finds a place, starts the server there, and the peers.
    async fn set(wanted: &Wanted, folder: &Path) -> Result<Stage, Trouble> {
        let scripts: Arc<[Script]> = scripts(usize::from(wanted.calls)).into();
        let board = Arc::new(Board::new(scripts.len()));
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for ground in Ground::candidates(folder) {
            let sockets = match Sockets::bind(&ground) {
                Ok(sockets) => sockets,
                Err(error) => {
                    last = error;
                    continue;
                }
            };
            if !sockets.can_talk() {
                return Err(Trouble::Loopback(ground.itsp().ip()));
            }
            let running = match serve(&ground) {
                Err(Trouble::Server(obstacle)) if obstacle.is_port_in_use() => continue,
                running => running?,
            };
            let begin = Instant::now() + FIRST_CALL;
            let peers = Peers::start(sockets, &ground, &scripts, &board, begin).map_err(Trouble::Peers)?;
            return Ok(Stage { ground, running, peers, board, scripts });
        }
        Err(Trouble::Addresses(last))
    }

    /// Waits for the calls and their records, judges and reports; the check that failed, if one did.
    async fn play(&mut self, wanted: &Wanted, begin: Instant) -> Result<Option<String>, Trouble> {
        let output = Output::new(wanted.json);
        if !wanted.json {
            told(output.text(&report::opening(&self.ground, self.scripts.len())))?;
        }
        let watched = io::stderr().is_terminal();
        if watched {
            eprint!("The calls take a few seconds ... ");
        }
        if !self.over_within(CALLS_WITHIN).await {
            self.peers.close();
            self.over_within(CLOSE_WITHIN).await;
        }
        let records = self.records().await?;
        if watched {
            eprintln!("done.\n");
        }
        let case = |script| judge(script, &self.board, &records, &self.ground);
        let cases: Vec<Case<'_>> = self.scripts.iter().map(case).collect();
        let (strays, took) = (self.board.strays(), begin.elapsed());
        if wanted.json {
            told(output.json(&report::Summary::new(&cases, &strays, &self.ground, took)))?;
        } else {
            let shown = usize::from(wanted.ladder).saturating_sub(1);
            let mut text = report::people(&cases, shown, &self.board, &self.ground, output.has_colour());
            text.push_str(&report::closing(&cases, &strays, took));
            told(output.text(&text))?;
        }
        Ok(report::failure(&cases, &strays))
    }

    /// Whether all calls are over, at once or within this time.
    async fn over_within(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        loop {
            if self.scripts.iter().all(|script| self.board.is_over(script.number - 1, script)) {
                return true;
            }
            if Instant::now() >= until {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// The records of all calls, as soon as they are there.
    async fn records(&self) -> Result<Vec<StoredCall>, Trouble> {
        let Some(store) = self.running.store() else { return Ok(Vec::new()) };
        let until = Instant::now() + RECORDS_WITHIN;
        loop {
            let records = all_records(&store)?;
            if records.len() >= self.scripts.len() || Instant::now() >= until {
                return Ok(records);
            }
            sleep(LOOK_EVERY).await;
        }
    }

    /// Ends server and peers.
    async fn clear(self) {
        let Stage { running, peers, .. } = self;
        drop(peers);
        if timeout(HALT_WITHIN, running.halt(Duration::ZERO)).await.is_err() {
            eprintln!("tronco demo: the server did not end within {} s", HALT_WITHIN.as_secs());
        }
    }
}

/// Who stops reading changes nothing about the calls.
fn told<E: Into<Failure>>(written: Result<(), E>) -> Result<(), Trouble> {
    match written.map_err(Into::into) {
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

fn all_records(store: &Store) -> Result<Vec<StoredCall>, store::StoreError> {
    store.query(&Query { limit: LIMIT_MAX, ..Query::default() })
}

/// The same server that `tronco run` starts, with the embedded configuration.
fn serve(ground: &Ground) -> Result<Running, Trouble> {
    let path = ground.folder.join("tronco.toml");
    std::fs::write(&path, ground.config())
        .map_err(|error| Trouble::Folder { at: ground.folder.clone(), error })?;
    let loaded = load(&path).map_err(Trouble::Config)?;
    Ok(run::start(&path, loaded)?)
}
