//! The command line: every command, option and default, and nothing of what they do.
//!
//! `docs/reference/cli.md` is made from it by `reference`. Enter through [`Arguments`].

use clap::builder::RangedU64ValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Where the configuration is when nobody says otherwise.
pub(crate) const CONFIG_DEFAULT: &str = "/etc/tronco/tronco.toml";

/// Most records that `cdr query` and `cdr tail` begin with.
const RECORDS_MAX: u64 = 100_000;

/// SIP trunking server: connects a voice network to Internet telephony providers.
#[derive(Parser)]
#[command(name = "tronco", version, about, disable_help_subcommand = true)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run the server.
    Run {
        /// The configuration file (TOML, or JSON when it ends in .json).
        #[arg(long, value_name = "FILE", default_value = CONFIG_DEFAULT)]
        config: PathBuf,
    },
    /// Check a configuration: syntax, references, the files and secrets that it names, shadowed routes, its
    /// own tests.
    Check {
        /// The configuration file (TOML, or JSON when it ends in .json).
        #[arg(long, value_name = "FILE", default_value = CONFIG_DEFAULT)]
        config: PathBuf,
        /// Leave certificates, keys, passwords and directories unread, on a machine that lacks them.
        #[arg(long)]
        offline: bool,
        /// Print the findings as one JSON object.
        #[arg(long)]
        json: bool,
    },
    /// Show the node at a glance.
    Status {
        #[command(flatten)]
        reach: Reach,
    },
    /// Show and set trunks.
    #[command(subcommand)]
    Trunk(Trunk),
    /// Show and end calls.
    #[command(subcommand)]
    Call(Call),
    /// Show call records.
    #[command(subcommand)]
    Cdr(Cdr),
    /// Ask how calls are routed.
    #[command(subcommand)]
    Route(Route),
    /// Help with configurations.
    #[command(subcommand)]
    Config(Config),
    /// Show the built-in profiles.
    #[command(subcommand)]
    Profile(Profile),
    /// Place calls with audio through a server of its own between two scripted peers, and check them.
    ///
    /// Everything is embedded and stays on loopback. Exit code 3 when a call did not go as it should.
    Demo(crate::demo::Wanted),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

/// How the daemon is reached, and how its answer is shown.
#[derive(Args, Clone)]
pub(crate) struct Reach {
    /// The daemon's control socket; by default that of /etc/tronco/tronco.toml, else
    /// /run/tronco/tronco.sock.
    #[arg(long, value_name = "PATH", env = "TRONCO_SOCKET", hide_env_values = true)]
    pub(crate) socket: Option<PathBuf>,
    /// Longest wait for an answer, in seconds.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub(crate) timeout: Duration,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Subcommand)]
pub(crate) enum Trunk {
    /// List the trunks with their states and calls.
    List {
        #[command(flatten)]
        reach: Reach,
    },
    /// Show one trunk with its gateways.
    Show {
        /// The trunk.
        name: String,
        #[command(flatten)]
        reach: Reach,
    },
    /// Let a trunk, or one gateway of it, take new calls again.
    Enable {
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        reach: Reach,
    },
    /// Give a trunk no new calls and refuse those that come from it (403); present calls go on. Holds
    /// until it is enabled, over reloads, until a restart.
    Disable {
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        reach: Reach,
    },
    /// Give a trunk no new calls and send those that come from it elsewhere (503 with Retry-After);
    /// present calls go on. Holds until it is enabled, over reloads, until a restart.
    Drain {
        #[command(flatten)]
        part: Part,
        #[command(flatten)]
        reach: Reach,
    },
}

/// A trunk, or one gateway of it.
#[derive(Args)]
pub(crate) struct Part {
    /// The trunk.
    pub(crate) name: String,
    /// Only this gateway of it, as the configuration writes it.
    #[arg(long)]
    pub(crate) gateway: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum Call {
    /// List live calls, oldest first.
    List {
        /// Only calls in or out on this trunk.
        #[arg(long)]
        trunk: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 1000)]
        limit: usize,
        #[command(flatten)]
        reach: Reach,
    },
    /// Show one call: live, or its record when it is over.
    Show {
        /// The call's key; of a live call the first digits are enough.
        key: String,
        #[command(flatten)]
        reach: Reach,
    },
    /// Have a live call recorded, or recorded no more, whatever its route and its trunks say; or pause its recording.
    Record {
        /// The call's key, or its first digits.
        key: String,
        /// The trunk of kind `recorder` that gets a copy of it.
        #[arg(long, required_unless_present_any = ["off", "pause", "resume"])]
        by: Option<String>,
        /// End its recording.
        #[arg(long, conflicts_with = "by")]
        off: bool,
        /// Pause its recording: the recorder hears nothing until it is resumed.
        #[arg(long, conflicts_with_all = ["by", "off"])]
        pause: bool,
        /// Go on with its recording.
        #[arg(long, conflicts_with_all = ["by", "off", "pause"])]
        resume: bool,
        #[command(flatten)]
        reach: Reach,
    },
    /// End a live call.
    Hangup {
        /// The call's key, or its first digits.
        key: String,
        #[command(flatten)]
        reach: Reach,
    },
}

#[derive(Subcommand)]
pub(crate) enum Cdr {
    /// Show the newest records, and with -f those that follow.
    Tail {
        /// Keep on until interrupted.
        #[arg(short, long)]
        follow: bool,
        /// How many of the newest to begin with.
        #[arg(short = 'n', long, default_value_t = 10, value_parser = records())]
        lines: usize,
        #[command(flatten)]
        reach: Reach,
    },
    /// Show the newest records that match, oldest of them first.
    Query {
        #[command(flatten)]
        filters: Filters,
        /// How many at most, up to 100000; `cdr export` gives all.
        #[arg(long, default_value_t = 100, value_parser = records())]
        limit: usize,
        /// Only records with ids below this one: `next` of an earlier answer in JSON.
        #[arg(long, value_name = "ID")]
        before: Option<i64>,
        #[command(flatten)]
        reach: Reach,
    },
    /// Write all records that match, oldest first, for other programs.
    Export {
        #[command(flatten)]
        filters: Filters,
        /// How many at most; all by default.
        #[arg(long)]
        limit: Option<usize>,
        /// The form.
        #[arg(long, value_enum, default_value_t = Format::Jsonl)]
        format: Format,
        #[command(flatten)]
        reach: Reach,
    },
}

/// Which records; every filter that is given must hold.
#[derive(Args, Clone)]
pub(crate) struct Filters {
    /// Started at or after: a time such as 2026-03-01T12:30:00Z, a date, or an age such as 2h or 7d.
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Started before.
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// Caller or called number, normalised or as received; `*` stands for any characters.
    #[arg(long)]
    pub(crate) number: Option<String>,
    /// The trunk it came in on, or the trunk of any attempt.
    #[arg(long)]
    pub(crate) trunk: Option<String>,
    /// Reason id, such as P-BUSY.
    #[arg(long)]
    pub(crate) reason: Option<String>,
    /// Final response, such as 486.
    #[arg(long)]
    pub(crate) status: Option<u16>,
    /// One call: its key of 32 hex digits.
    #[arg(long, value_name = "KEY")]
    pub(crate) call: Option<String>,
}

/// The form of an export.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object a line, with its attempts.
    Jsonl,
    /// RFC 4180 with a header, one line for each call.
    Csv,
    /// RFC 4180 with a header, one line for each attempt.
    CsvAttempts,
}

#[derive(Subcommand)]
pub(crate) enum Route {
    /// Tell where a call would go, and why: now at the daemon, or by a file with all trunks up.
    ///
    /// Exit code 3 when the call would be refused.
    Test {
        /// The trunk that the call arrives by.
        #[arg(long, value_name = "TRUNK")]
        on: String,
        /// The calling number as received.
        #[arg(long, value_name = "NUMBER", default_value = "", allow_hyphen_values = true)]
        from: String,
        /// The user of that trunk who places the call; its password counts as proven. Without `--from` it calls by its
        /// name.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// The address that the call comes from; without it where the user registered, or the trunk's first gateway.
        #[arg(long, value_name = "ADDRESS")]
        source: Option<String>,
        /// The called number as received.
        #[arg(long, value_name = "NUMBER", allow_hyphen_values = true)]
        to: String,
        /// When it arrives, such as 2026-12-24T10:00:00Z; now without.
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Suppose that this trunk is down; may be given several times.
        #[arg(long, value_name = "TRUNK")]
        down: Vec<String>,
        /// Ask this configuration file instead of the daemon.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        reach: Reach,
    },
}

#[derive(Subcommand)]
pub(crate) enum Config {
    /// Print the JSON Schema of configurations.
    Schema,
    /// Show each setting of a trunk and where it comes from: at the daemon as it runs, or in a file.
    ///
    /// Origins: `trunk` and `override` are the trunk's own table, `site NAME` is `[site.NAME.defaults]`,
    /// `defaults` is `[defaults]`, then the profile, then what is built in. What callers have (`policy`, `deny`,
    /// `deny_unknown`, `external_prefix`, `dialplan`) comes from the user, its group, the trunk, its site, the top level.
    Effective {
        /// The trunk.
        trunk: String,
        /// A user of the trunk: the policy, refused classes, outside prefix and dial rules of its calls.
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// Ask this configuration file instead of the daemon.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        #[command(flatten)]
        reach: Reach,
    },
}

#[derive(Subcommand)]
pub(crate) enum Profile {
    /// List the profiles with their versions, and how far each is known to work.
    List {
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Show what a profile sets, each value with its source.
    Show {
        /// The profile.
        name: String,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
}

/// A number of records that may be held at once.
fn records() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(0..=RECORDS_MAX)
}

/// Seconds, also with a fraction; more than none and at most an hour.
fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 =
        text.parse().map_err(|_| "expected a number of seconds such as 10 or 0.5".to_owned())?;
    if seconds > 0.0 && seconds <= 3_600.0 {
        Ok(Duration::from_secs_f64(seconds))
    } else {
        Err("expected more than 0 and at most 3600 seconds".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn seconds_have_bounds() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["0", "-1", "3601", "NaN", "inf", "ten"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
