//! Why each decision of a call fell as it did: lines for an operator. Bounded; what does not fit is counted.

use crate::base::limits;

#[derive(Clone, PartialEq, Debug, Default)]
pub struct Trail {
    lines: Vec<Box<str>>,
    lost: u32,
}

impl Trail {
    pub fn new(lines: Vec<Box<str>>) -> Trail {
        let mut trail = Trail::default();
        for line in lines {
            trail.say(line);
        }
        trail
    }

    pub fn say(&mut self, line: impl Into<Box<str>>) {
        if self.lines.len() < limits::TRAIL_MAX {
            self.lines.push(line.into());
        } else {
            self.lost = self.lost.saturating_add(1);
        }
    }

    pub fn lines(&self) -> &[Box<str>] {
        &self.lines
    }

    pub fn lost(&self) -> u32 {
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut trail = Trail::default();
        for number in 0..limits::TRAIL_MAX + 3 {
            trail.say(format!("line {number}"));
        }
        assert_eq!((trail.lines().len(), trail.lost()), (limits::TRAIL_MAX, 3));
    }
}
