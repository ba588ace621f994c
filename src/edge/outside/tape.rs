//! Recordings of calls: where each goes, and the thread behind them. Decides not what is recorded.

use crate::base::id::CallId;
use crate::edge::clock::{self, Stamp};
use crate::edge::media::recorder::{Recorded, Recorder};
use crate::edge::metrics::Metrics;
use crate::edge::outside::settings::RecordingSettings;
use crate::media::tap::TapOut;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

pub struct Tapes {
    folder: PathBuf,
    recorder: Mutex<Option<Recorder>>,
}

impl Tapes {
    pub fn start(settings: &RecordingSettings, metrics: Metrics) -> io::Result<Tapes> {
        let recorder = Recorder::start(move |recorded| tell(&recorded, &metrics))?;
        Ok(Tapes { folder: settings.folder.clone(), recorder: Mutex::new(Some(recorder)) })
    }

    /// A new file, as `YYYY/MM/DD/CALL_TIME.wav`: its place, and the end of the tap that writes it.
    pub fn begin(
        &self,
        call: CallId,
        silence: Option<Duration>,
        when_quiet: impl FnOnce() + Send + 'static,
    ) -> Option<(Box<str>, TapOut)> {
        let path = path(&self.folder, call, Stamp { unix_millis: clock::now().unix_millis() });
        let recorder = self.recorder.lock().ok()?;
        let recorder = recorder.as_ref()?;
        let out = match silence {
            Some(silence) => recorder.record_until_quiet(&path, silence, Box::new(when_quiet)),
            None => recorder.record(&path),
        };
        Some((path.to_string_lossy().into_owned().into(), out?))
    }

    pub fn stop(&self) {
        let recorder = self.recorder.lock().ok().and_then(|mut recorder| recorder.take());
        if let Some(recorder) = recorder {
            recorder.finish();
        }
    }
}

fn path(folder: &Path, call: CallId, at: Stamp) -> PathBuf {
    let time = at.to_string();
    let (day, _) = time.split_once('T').unwrap_or((&time, ""));
    let compact: String = time.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    folder.join(day.replace('-', "/")).join(format!("{call}_{compact}.wav"))
}

fn tell(recorded: &Recorded, metrics: &Metrics) {
    let Recorded { path, lasted, lost, fault } = recorded;
    metrics.recording(if fault.is_some() { "failed" } else { "written" });
    match fault {
        Some(error) => tracing::error!(path = %path.display(), %error, "a recording could not be written"),
        None if !lost.is_zero() => {
            tracing::warn!(path = %path.display(), ?lost, "the disk was too slow for a recording: silence stands in it");
        }
        None => tracing::debug!(path = %path.display(), ?lasted, "recording written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_lies_under_its_day() {
        let path = path(Path::new("/var/rec"), CallId(0xab), Stamp { unix_millis: 1_763_748_000_123 });
        assert_eq!(path, Path::new("/var/rec/2025/11/21/00000000000000ab_20251121T180000.123Z.wav"));
    }
}
