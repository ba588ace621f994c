//! What sort of number something is. Only names; the numbering plans decide in `plan`.

use std::fmt;

/// The kind of a number that somebody dials, by the numbering plan of its country.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Kind {
    Fixed,
    Mobile,
    /// Plans that do not tell the two apart, such as North America's.
    FixedOrMobile,
    TollFree,
    Premium,
    SharedCost,
    Voip,
    Personal,
    Pager,
    /// One number for a company wherever it is (universal access).
    Uan,
    Voicemail,
    /// +800: universal international freephone.
    Uifn,
    /// The plan has no such number.
    Unknown,
}

/// The kind of a number that we own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sort {
    /// A local number for direct dialling in.
    Did,
    TollFree,
    Uifn,
    Mobile,
    /// Belongs to a country and to no place in it.
    National,
    ShortCode,
    Extension,
}

impl Kind {
    pub const ALL: &[Kind] = &[
        Kind::Fixed,
        Kind::Mobile,
        Kind::FixedOrMobile,
        Kind::TollFree,
        Kind::Premium,
        Kind::SharedCost,
        Kind::Voip,
        Kind::Personal,
        Kind::Pager,
        Kind::Uan,
        Kind::Voicemail,
        Kind::Uifn,
        Kind::Unknown,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Kind::Fixed => "fixed",
            Kind::Mobile => "mobile",
            Kind::FixedOrMobile => "fixed-or-mobile",
            Kind::TollFree => "toll-free",
            Kind::Premium => "premium",
            Kind::SharedCost => "shared-cost",
            Kind::Voip => "voip",
            Kind::Personal => "personal",
            Kind::Pager => "pager",
            Kind::Uan => "uan",
            Kind::Voicemail => "voicemail",
            Kind::Uifn => "uifn",
            Kind::Unknown => "unknown",
        }
    }

    pub fn parse(name: &str) -> Option<Kind> {
        Kind::ALL.iter().copied().find(|kind| kind.name() == name)
    }

    /// Whether a wish for `other` means this kind as well: where a plan tells fixed and mobile not apart, either may be meant.
    pub fn fits(self, other: Kind) -> bool {
        self == other || (self == Kind::FixedOrMobile && matches!(other, Kind::Fixed | Kind::Mobile))
    }
}

impl Sort {
    pub const ALL: &[Sort] =
        &[Sort::Did, Sort::TollFree, Sort::Uifn, Sort::Mobile, Sort::National, Sort::ShortCode, Sort::Extension];

    pub fn name(self) -> &'static str {
        match self {
            Sort::Did => "did",
            Sort::TollFree => "toll-free",
            Sort::Uifn => "uifn",
            Sort::Mobile => "mobile",
            Sort::National => "national",
            Sort::ShortCode => "short-code",
            Sort::Extension => "extension",
        }
    }

    pub fn parse(name: &str) -> Option<Sort> {
        Sort::ALL.iter().copied().find(|sort| sort.name() == name)
    }

    /// What a number of this kind is to its owner, where nobody says otherwise.
    pub fn of(kind: Kind) -> Sort {
        match kind {
            Kind::TollFree => Sort::TollFree,
            Kind::Uifn => Sort::Uifn,
            Kind::Mobile | Kind::Personal | Kind::Pager => Sort::Mobile,
            Kind::SharedCost | Kind::Premium | Kind::Uan | Kind::Voicemail => Sort::National,
            Kind::Fixed | Kind::FixedOrMobile | Kind::Voip | Kind::Unknown => Sort::Did,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
