//! The nearest valid name to one that is wrong. Knows no configuration.

/// The candidate with the fewest edits, if it is near enough to be what was meant.
pub fn nearest<'a>(wrong: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong_folded = fold(wrong);
    candidates
        .into_iter()
        .filter_map(|candidate| {
            let folded = fold(candidate);
            let allowed = ((wrong_folded.len().max(folded.len()) + 1) / 3).clamp(1, 4);
            let edits = distance(&wrong_folded, &folded);
            (edits <= allowed).then_some((edits, candidate))
        })
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate)
}

/// `did you mean ...`, or the list of what is valid when nothing is near.
pub fn did_you_mean<'a>(
    wrong: &str,
    candidates: impl IntoIterator<Item = &'a str> + Clone,
    others: &str,
) -> Option<String> {
    if let Some(name) = nearest(wrong, candidates.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let mut all: Vec<&str> = candidates.into_iter().collect();
    all.sort_unstable();
    all.dedup();
    let more = all.len().saturating_sub(20);
    all.truncate(20);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!all.is_empty()).then(|| format!("{others}: {}{tail}", all.join(", ")))
}

fn fold(name: &str) -> Vec<char> {
    name.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, left) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, right) in b.iter().enumerate() {
            let step = usize::from(left != right);
            let mut best = (last[j] + step).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *left == b[j - 1] && a[i - 1] == *right {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_finds_its_name() {
        let names = ["networks", "name", "target", "tls_names"];
        assert_eq!(nearest("netwroks", names), Some("networks"));
        assert_eq!(nearest("nam", names), Some("name"));
        assert_eq!(nearest("TLS-names", names), Some("tls_names"));
        assert_eq!(nearest("colour", names), None);
    }

    #[test]
    fn without_a_near_name_the_valid_ones_are_listed() {
        assert_eq!(did_you_mean("zzz", ["b", "aa", "aa"], "trunks"), Some("trunks: aa, b".to_owned()));
        assert_eq!(did_you_mean("zzz", [], "trunks"), None);
    }
}
