//! baresip as a phone without a sound card: it plays a tone and writes what it hears to a file.

use crate::PATIENCE;
use crate::audio;
use crate::place::Place;
use crate::process::Process;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Instant;

/// What a baresip says and how.
#[derive(Debug, Clone)]
pub struct Voice<'a> {
    /// The only codec that it has, as baresip names it.
    pub codec: &'a str,
    /// Milliseconds of its packets.
    pub ptime: u32,
    /// What it says, samples at [`audio::RATE`].
    pub says: Vec<i16>,
}

impl Voice<'_> {
    /// A tone in G.711 A-law, in packets of 20 ms.
    #[must_use]
    pub fn tone(hertz: f64) -> Voice<'static> {
        Voice { codec: "PCMA", ptime: 20, says: audio::tone(hertz, 30) }
    }
}

/// How many seconds more are heard where those so far do not hold what they are to hold.
const HEARD_MORE: usize = 5;

/// A running baresip.
#[derive(Debug)]
pub struct Baresip {
    process: Process,
    folder: PathBuf,
    control: String,
}

/// A line to a baresip (its module ctrl_tcp).
#[derive(Debug)]
pub struct Control {
    stream: TcpStream,
    heard: Vec<u8>,
}

impl Control {
    /// Gives an order of baresip's menu.
    ///
    /// # Panics
    /// The line is cut.
    pub fn order(&mut self, command: &str) {
        let json = format!("{{\"command\":\"{command}\"}}");
        write!(self.stream, "{}:{json},", json.len()).expect("an order given");
    }

    /// Waits until it tells of `text`; what it told before is forgotten.
    ///
    /// # Panics
    /// It does not.
    pub fn await_word(&mut self, text: &str) {
        let (mut buffer, end) = ([0; 4096], Instant::now() + PATIENCE);
        loop {
            assert!(Instant::now() < end, "baresip does not tell of {text}");
            let at = self.heard.windows(text.len()).position(|bytes| bytes == text.as_bytes());
            if let Some(at) = at {
                self.heard.drain(..at + text.len());
                return;
            }
            let length = self.stream.read(&mut buffer).expect("baresip's word");
            assert!(length > 0, "baresip has cut the line");
            self.heard.extend_from_slice(buffer.get(..length).unwrap_or_default());
        }
    }
}

impl Baresip {
    /// Starts it at `place.ip(host)` as `number`: answers by itself, sends a tone of `hertz`, and calls
    /// `dial` when there is one.
    #[must_use]
    pub fn start(place: &Place, number: &str, host: u8, hertz: f64, dial: Option<&str>) -> Baresip {
        let account = format!("<sip:{number}@{}>;regint=0", place.host(host));
        Baresip::with_account(place, number, host, hertz, &account, dial)
    }

    /// Like [`Baresip::start`], with an account as its own file has it.
    #[must_use]
    pub fn with_account(
        place: &Place,
        number: &str,
        host: u8,
        hertz: f64,
        account: &str,
        dial: Option<&str>,
    ) -> Baresip {
        Baresip::with_voice(place, number, host, &Voice::tone(hertz), account, dial)
    }

    /// Like [`Baresip::with_account`], with a voice of its own.
    #[must_use]
    pub fn with_voice(
        place: &Place,
        number: &str,
        host: u8,
        voice: &Voice<'_>,
        account: &str,
        dial: Option<&str>,
    ) -> Baresip {
        Baresip::at(place, (number, &place.ip(host)), voice, account, dial)
    }

    /// Like [`Baresip::with_voice`], at any address.
    #[must_use]
    pub fn at(
        place: &Place,
        (number, ip): (&str, &str),
        voice: &Voice<'_>,
        account: &str,
        dial: Option<&str>,
    ) -> Baresip {
        let folder = place.path(number);
        fs::create_dir_all(&folder).expect("baresip's folder");
        let tone = folder.join("tone.wav");
        audio::write(&tone, &voice.says);
        // Of IPv6 an address stands in brackets, and media are of its kind where it is preferred.
        let six = ip.contains(':');
        let (at, prefer) =
            (if six { format!("[{ip}]") } else { ip.to_owned() }, if six { "yes" } else { "no" });
        let config = format!(
            "sip_listen {at}:5060\nsip_trans_def udp\ncall_local_timeout 120\ncall_max_calls 4\n\
             audio_path {0}\naudio_player aubridge,none\naudio_source aufile,{1}\naudio_alert aubridge,none\n\
             ausrc_srate 8000\nauplay_srate 8000\nausrc_channels 1\nauplay_channels 1\naudio_txmode poll\n\
             rtp_ports 40000-40100\nrtp_timeout 60\njitter_buffer_delay 1-5\nnet_interface {ip}\nprefer_ipv6 {prefer}\n\
             snd_path {0}\nmodule_path /usr/lib/baresip/modules\n\
             module g711.so\nmodule g722.so\nmodule opus.so\nopus_stereo no\nopus_sprop_stereo no\nmodule stun.so\nmodule ice.so\nmodule aufile.so\nmodule aubridge.so\nmodule sndfile.so\nmodule srtp.so\nmodule dtls_srtp.so\n\
             module_app account.so\nmodule_app menu.so\nmodule uuid.so\n\
             module_app ctrl_tcp.so\nctrl_tcp_listen {at}:4444\n",
            folder.display(),
            tone.display()
        );
        fs::write(folder.join("config"), config).expect("baresip's configuration");
        let Voice { codec, ptime, .. } = voice;
        let account = format!(
            "{account};answermode=auto;audio_codecs={codec};ptime={ptime};audio_player=aubridge,none\n"
        );
        fs::write(folder.join("accounts"), account).expect("baresip's account");
        fs::write(folder.join("contacts"), "").expect("baresip's contacts");
        let mut command = Command::new("baresip");
        command.arg("-f").arg(&folder).current_dir(&folder).arg("-v");
        if let Some(uri) = dial {
            command.args(["-e", &format!("/dial {uri}")]);
        }
        let control = format!("{at}:4444");
        Baresip { process: Process::start(number, &mut command), folder, control }
    }

    /// A line over which it is told what to do, and tells what happens to it.
    ///
    /// # Panics
    /// It does not take the line.
    #[must_use]
    pub fn control(&self) -> Control {
        let stream = crate::await_some(|| TcpStream::connect(&self.control).ok()).expect("a line to baresip");
        stream.set_read_timeout(Some(PATIENCE)).expect("a read timeout");
        Control { stream, heard: Vec::new() }
    }

    /// Waits until the last second that it has heard is of a tone of `hertz`.
    ///
    /// # Panics
    /// It is not.
    pub fn hears_now(&self, hertz: f64) {
        let second = |samples: &[i16]| samples.len().checked_sub(audio::RATE as usize);
        let heard = crate::await_some(|| {
            let samples = self.heard();
            let last = samples.get(second(&samples)?..)?;
            (audio::share(last, hertz) > 0.8 && audio::level(last) > 4000.0).then_some(())
        });
        assert!(heard.is_some(), "no tone of {hertz} at the end\n{}", self.process().tail());
    }

    /// Its process.
    #[must_use]
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The samples that it has heard so far, without the first half second.
    #[must_use]
    pub fn heard(&self) -> Vec<i16> {
        self.heard_all().get(audio::RATE as usize / 2..).unwrap_or_default().to_vec()
    }

    /// All samples that it has heard so far.
    #[must_use]
    pub fn heard_all(&self) -> Vec<i16> {
        self.dump("-dec.wav")
    }

    /// Waits until it has heard a second of a tone of `hertz`, as loud as [`Voice::tone`] sends it, and nothing of the
    /// tone of `not`. Each second is judged by itself, and half of them at least must be so: where somebody stands still
    /// a jitter buffer leaves out or puts in a piece, and the tone goes on in another phase.
    ///
    /// # Panics
    /// It has not, nor in the few seconds behind.
    pub fn hears(&self, hertz: f64, not: f64) {
        let (mut seconds, mut told) = (1, String::new());
        for _ in 0..=HEARD_MORE {
            let enough = seconds * audio::RATE as usize;
            let heard = crate::await_some(|| Some(self.heard()).filter(|s| s.len() >= enough));
            let samples = heard.unwrap_or_else(|| self.heard());
            let shares = |second: &[i16]| [hertz, not].map(|hertz| audio::share(second, hertz));
            let each = samples.chunks_exact(audio::RATE as usize);
            let each: Vec<_> = each.map(|second| (shares(second), audio::level(second))).collect();
            let fits = |([own, _], level): &&([f64; 2], f64)| *own > 0.8 && (4000.0..7500.0).contains(level);
            let (fit, other) =
                (each.iter().filter(fits).count(), each.iter().any(|([_, not], _)| *not > 0.1));
            told = format!("shares of {hertz} and {not}, and levels, by seconds: {each:.2?}");
            assert!(samples.len() >= enough && !other, "{told}\n{}", self.process().tail());
            if fit * 2 >= each.len() {
                return;
            }
            seconds = each.len() + 1;
        }
        panic!("{told}");
    }

    /// The samples that it has given to its encoder so far.
    #[must_use]
    pub fn said(&self) -> Vec<i16> {
        self.dump("-enc.wav")
    }

    /// How long the files of what it has heard and said are, in bytes.
    #[must_use]
    pub fn sizes(&self) -> [u64; 2] {
        let size = |ending| self.file(ending).and_then(|path| path.metadata().ok()).map_or(0, |m| m.len());
        ["-dec.wav", "-enc.wav"].map(size)
    }

    fn file(&self, ending: &str) -> Option<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.map(|e| e.path()).find(|p| p.to_string_lossy().ends_with(ending))
    }

    fn dump(&self, ending: &str) -> Vec<i16> {
        self.file(ending).map(|p| audio::read(&p)).unwrap_or_default()
    }
}
