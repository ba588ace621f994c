//! How one stream's packets are protected: not at all, by keys of both sides, or so that nothing passes. Derives no key.

use crate::media::command::SrtpKeys;
use crate::protocol::rtp::srtp::{SrtpFault, SrtpReceiver, SrtpSender};

#[derive(Default)]
pub enum Protection {
    #[default]
    None,
    Keys(Box<Keys>),
    /// Protection was agreed, but not with keys that can be used: nothing passes, least of all in clear.
    Broken,
}

/// SRTP in both directions.
pub struct Keys {
    agreed: SrtpKeys,
    pub receiver: SrtpReceiver,
    pub sender: SrtpSender,
}

impl Keys {
    fn new(agreed: &SrtpKeys) -> Result<Keys, SrtpFault> {
        Ok(Keys {
            receiver: SrtpReceiver::new(agreed.suite, &agreed.theirs)?,
            sender: SrtpSender::new(agreed.suite, &agreed.ours)?,
            agreed: agreed.clone(),
        })
    }

    /// Only what has changed is made anew: a repeated key goes on, with its counters and its memory of replays.
    fn renew(&mut self, agreed: &SrtpKeys) -> Result<(), SrtpFault> {
        let suite = agreed.suite != self.agreed.suite;
        if suite || agreed.theirs != self.agreed.theirs {
            self.receiver.rekey(agreed.suite, &agreed.theirs)?;
        }
        if suite || agreed.ours != self.agreed.ours {
            self.sender.rekey(agreed.suite, &agreed.ours)?;
        }
        self.agreed = agreed.clone();
        Ok(())
    }
}

impl Protection {
    /// Keys will come, or others than those of before: until then nothing passes.
    pub fn close_until_keyed(&mut self) {
        *self = Protection::Broken;
    }

    /// Follows what signalling says now.
    pub fn plan(&mut self, agreed: Option<&SrtpKeys>) {
        let Some(agreed) = agreed else {
            *self = Protection::None;
            return;
        };
        let renewed = match self {
            Protection::Keys(keys) => keys.renew(agreed).map(|()| None),
            Protection::None | Protection::Broken => Keys::new(agreed).map(Some),
        };
        match renewed {
            Ok(None) => {}
            Ok(Some(keys)) => *self = Protection::Keys(Box::new(keys)),
            Err(_) => *self = Protection::Broken,
        }
    }
}
