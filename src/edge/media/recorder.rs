//! Recordings: a thread that writes what taps give to WAV files. Live audio never waits for it, nor for a disk.

use crate::media::tap::{TapBlock, TapOut, tap};
use crate::protocol::audio::wav::{Shape, append, size_patches};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the thread writes what has come.
const ROUND: Duration = Duration::from_millis(100);
/// Audio of one block of a tap, and blocks under way: a disk may stall for six seconds before anything is lost.
const BLOCK_MS: u16 = 200;
const BLOCKS: usize = 30;
/// How often the sizes in a file's head are brought up to date: what a crash can cost.
const PATCH_EVERY: Duration = Duration::from_secs(1);
/// Recordings that wait to be begun; more are refused.
const ORDERS: usize = 256;
/// Silence put in for audio that was lost at a time: one minute of stereo at 48 kHz.
const FILL_SAMPLES_MAX: u64 = 48_000 * 2 * 60;

/// How a recording ended.
#[derive(Debug)]
pub struct Recorded {
    pub path: PathBuf,
    pub lasted: Duration,
    /// Audio that the disk was too slow for; there is silence in its place.
    pub lost: Duration,
    pub fault: Option<io::Error>,
}

struct Order {
    path: PathBuf,
    blocks: Receiver<TapBlock>,
    quiet: Option<Quiet>,
}

/// Who is told, once, when nothing was said for so long.
struct Quiet {
    limit: Duration,
    lasted: Duration,
    tell: Option<Box<dyn FnOnce() + Send>>,
}

/// Below this no sample of a block is taken for speech: 40 dB under full scale.
const SPEECH_PEAK: u16 = 328;

impl Quiet {
    fn hear(&mut self, block: &TapBlock) {
        let frames = block.samples.len() / usize::from(block.channels.max(1));
        let lasts = Duration::from_secs_f64(frames as f64 / f64::from(block.rate.max(1)));
        let peak = block.samples.iter().map(|sample| sample.unsigned_abs()).max().unwrap_or(0);
        self.lasted = if peak < SPEECH_PEAK { self.lasted + lasts } else { Duration::ZERO };
        if self.lasted >= self.limit
            && let Some(tell) = self.tell.take()
        {
            tell();
        }
    }
}

/// The door to the thread. When it is dropped, the thread ends with the last recording.
pub struct Recorder {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    /// `told` hears of every recording that has ended.
    pub fn start(told: impl FnMut(Recorded) + Send + 'static) -> io::Result<Recorder> {
        let (orders, waiting) = sync_channel(ORDERS);
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || run(&waiting, told))?;
        Ok(Recorder { orders: Some(orders), thread: Some(thread) })
    }

    /// The end of a tap that writes to a new file. `None` when too many recordings wait to be begun.
    pub fn record(&self, path: &Path) -> Option<TapOut> {
        self.order(path, None)
    }

    /// The same; `tell` is called when nothing was said for so long, and the recording goes on.
    pub fn record_until_quiet(&self, path: &Path, limit: Duration, tell: Box<dyn FnOnce() + Send>) -> Option<TapOut> {
        self.order(path, Some(Quiet { limit, lasted: Duration::ZERO, tell: Some(tell) }))
    }

    fn order(&self, path: &Path, quiet: Option<Quiet>) -> Option<TapOut> {
        let (out, blocks) = tap(BLOCK_MS, BLOCKS);
        let order = Order { path: path.to_owned(), blocks, quiet };
        self.orders.as_ref()?.try_send(order).ok().map(|()| out)
    }

    /// Ends when every tap has ended and everything is written.
    pub fn finish(mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(orders: &Receiver<Order>, mut told: impl FnMut(Recorded)) {
    let mut recordings: Vec<Recording> = Vec::new();
    let mut is_open = true;
    while is_open || !recordings.is_empty() {
        match orders.recv_timeout(if recordings.is_empty() { Duration::from_secs(1) } else { ROUND }) {
            Ok(order) => recordings.push(Recording::new(order)),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                is_open = false;
                std::thread::sleep(ROUND);
            }
        }
        recordings.extend(orders.try_iter().map(Recording::new));
        // Told once the recording has let go of its tap: who hears of the end finds the tap gone.
        let mut ended = Vec::new();
        recordings.retain_mut(|recording| {
            let end = recording.write();
            let goes_on = end.is_none();
            ended.extend(end);
            goes_on
        });
        ended.into_iter().for_each(&mut told);
    }
}

/// One file that is being written.
struct Recording {
    path: PathBuf,
    blocks: Receiver<TapBlock>,
    quiet: Option<Quiet>,
    file: Option<File>,
    shape: Shape,
    data_bytes: u64,
    lost: u64,
    patched: Instant,
    buffer: Vec<u8>,
}

impl Recording {
    fn new(order: Order) -> Recording {
        Recording {
            path: order.path,
            blocks: order.blocks,
            quiet: order.quiet,
            file: None,
            shape: Shape { rate: 8_000, channels: 1 },
            data_bytes: 0,
            lost: 0,
            patched: Instant::now(),
            buffer: Vec::new(),
        }
    }

    /// Writes all that has come. Gives how it ended, once it has.
    fn write(&mut self) -> Option<Recorded> {
        let has_ended = loop {
            match self.blocks.try_recv() {
                Ok(block) => self.take(&block),
                Err(TryRecvError::Empty) => break false,
                Err(TryRecvError::Disconnected) => break true,
            }
        };
        match self.flush(has_ended) {
            Ok(()) if has_ended => Some(self.ended(None)),
            Ok(()) => None,
            Err(fault) => Some(self.ended(Some(fault))),
        }
    }

    fn take(&mut self, block: &TapBlock) {
        if let Some(quiet) = &mut self.quiet {
            quiet.hear(block);
        }
        self.shape = Shape { rate: block.rate, channels: u16::from(block.channels) };
        self.lost += block.lost_before;
        // Silence keeps the place of what was lost, so that both sides of a talk stay together.
        let silence = (block.lost_before * u64::from(block.channels)).min(FILL_SAMPLES_MAX);
        let silence = usize::try_from(silence * 2).unwrap_or(0);
        self.buffer.resize(self.buffer.len() + silence, 0);
        append(&block.samples, &mut self.buffer);
    }

    fn flush(&mut self, has_ended: bool) -> io::Result<()> {
        if self.file.is_none() {
            if self.buffer.is_empty() && !has_ended {
                return Ok(());
            }
            if let Some(folder) = self.path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            // Never over a file that is there.
            let mut file = OpenOptions::new().write(true).create_new(true).open(&self.path)?;
            file.write_all(&self.shape.header(0))?;
            self.file = Some(file);
        }
        let Some(file) = &mut self.file else { return Ok(()) };
        if !self.buffer.is_empty() {
            file.write_all(&self.buffer)?;
            self.data_bytes += u64::try_from(self.buffer.len()).unwrap_or(0);
            self.buffer.clear();
        }
        if has_ended || self.patched.elapsed() >= PATCH_EVERY {
            self.patched = Instant::now();
            for (place, size) in size_patches(self.data_bytes) {
                file.seek(SeekFrom::Start(place))?;
                file.write_all(&size)?;
            }
            file.seek(SeekFrom::End(0))?;
        }
        if has_ended { file.sync_data() } else { Ok(()) }
    }

    fn ended(&mut self, fault: Option<io::Error>) -> Recorded {
        let rate = f64::from(self.shape.rate.max(1));
        let frames = self.data_bytes / u64::from(self.shape.channels.max(1)) / 2;
        Recorded {
            path: std::mem::take(&mut self.path),
            lasted: Duration::from_secs_f64(frames as f64 / rate),
            lost: Duration::from_secs_f64(self.lost as f64 / rate),
            fault,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("offhook-recorder-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(&folder).expect("a folder for the test");
        folder
    }

    #[test]
    fn who_says_nothing_for_long_enough_is_told_of_once() {
        let path = folder("quiet").join("message.wav");
        let (told, outcome) = channel();
        let (quiet, heard) = channel();
        let recorder = Recorder::start(move |recorded| drop(told.send(recorded))).expect("a thread");
        let tell = Box::new(move || quiet.send(()).expect("somebody listens"));
        let mut out = recorder.record_until_quiet(&path, Duration::from_millis(600), tell).expect("room");
        for sample in [[9_000; 160], [3; 160]] {
            for _ in 0..50 {
                out.write(8_000, Some(&sample), None);
            }
        }
        out.flush();
        drop(out);
        recorder.finish();
        assert_eq!(heard.iter().count(), 1);
        assert_eq!(outcome.recv().expect("told").lasted, Duration::from_secs(2));
    }

    #[test]
    fn a_recording_is_a_file_that_others_read() {
        let path = folder("whole").join("call.wav");
        let (told, outcome) = channel();
        let recorder = Recorder::start(move |recorded| drop(told.send(recorded))).expect("a thread");
        let mut out = recorder.record(&path).expect("room");
        out.shape(8_000, 2);
        for beat in 0..250 {
            out.write(8_000, Some(&[beat; 160]), Some(&[-beat; 160]));
        }
        out.flush();
        drop(out);
        recorder.finish();
        let recorded = outcome.recv().expect("told");
        assert!(recorded.fault.is_none() && recorded.lost.is_zero(), "{recorded:?}");
        assert_eq!(recorded.lasted, Duration::from_secs(5));
        let mut reader = hound::WavReader::open(&path).expect("a WAV file");
        assert_eq!((reader.spec().channels, reader.spec().sample_rate, reader.duration()), (2, 8_000, 40_000));
        let samples: Vec<i16> = reader.samples().map(|sample| sample.expect("a sample")).collect();
        assert_eq!((samples[0], samples[320 * 100], samples[320 * 100 + 1]), (0, 100, -100));
    }

    #[test]
    fn a_file_that_cannot_be_written_ends_its_tap_and_harms_no_other() {
        let folder = folder("faulty");
        std::fs::write(folder.join("there.wav"), b"precious").expect("a file");
        let (told, outcome) = channel();
        let recorder = Recorder::start(move |recorded| drop(told.send(recorded))).expect("a thread");
        let mut good = recorder.record(&folder.join("good.wav")).expect("room");
        let mut bad = recorder.record(&folder.join("there.wav")).expect("room");
        bad.write(8_000, Some(&[1; 160]), None);
        bad.flush();
        let failed = outcome.recv().expect("told");
        assert!(failed.fault.is_some() && failed.path.ends_with("there.wav"));
        bad.write(8_000, Some(&[1; 160]), None);
        bad.flush();
        assert!(bad.is_gone(), "the tap knows that nobody listens");
        assert_eq!(std::fs::read(folder.join("there.wav")).expect("still there"), b"precious");
        good.write(8_000, Some(&[1; 160]), None);
        good.flush();
        drop(good);
        recorder.finish();
        assert!(outcome.recv().expect("told").fault.is_none());
    }
}
