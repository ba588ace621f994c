//! What a client may do. Knows no command and no client.

use std::fmt;

/// One right. Higher ones do not contain lower ones: a token says all that it has.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scope {
    /// See calls, queues, agents, trunks and numbers, and follow events.
    Observe,
    /// Be an engine: be asked where calls go, and decide.
    Route,
    /// Act on calls and agents.
    Command,
    /// Numbers, configuration, guards, log, drain.
    Administer,
}

impl Scope {
    pub const ALL: [Scope; 4] = [Scope::Observe, Scope::Route, Scope::Command, Scope::Administer];

    pub fn name(self) -> &'static str {
        match self {
            Scope::Observe => "observe",
            Scope::Route => "route",
            Scope::Command => "command",
            Scope::Administer => "administer",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Scope::Observe => 1,
            Scope::Route => 2,
            Scope::Command => 4,
            Scope::Administer => 8,
        }
    }
}

/// Several rights; at first none.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes(u8);

impl Scopes {
    pub fn all() -> Scopes {
        Scope::ALL.into_iter().collect()
    }

    pub fn has(self, scope: Scope) -> bool {
        self.0 & scope.bit() != 0
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn names(self) -> Vec<&'static str> {
        Scope::ALL.into_iter().filter(|scope| self.has(*scope)).map(Scope::name).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Scopes {
        Scopes(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl fmt::Debug for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join("+"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_right_contains_another() {
        for one in Scope::ALL {
            let scopes: Scopes = [one].into_iter().collect();
            assert_eq!(Scope::ALL.into_iter().filter(|scope| scopes.has(*scope)).collect::<Vec<_>>(), [one]);
        }
        assert!(Scopes::default().is_empty() && Scope::ALL.into_iter().all(|scope| Scopes::all().has(scope)));
    }
}
