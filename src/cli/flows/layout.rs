//! Where the steps of a flow stand in its picture: layers from the start downwards, few crossings. Draws nothing.

use crate::domain::flow::check::fault::key_of;
use crate::domain::flow::definition::{Flow, StepId};
use std::collections::BTreeMap;

/// Sweeps that sort layers by what they are joined to; more hardly change anything.
const SWEEPS: usize = 8;

/// A step of the flow, or a place where a long line passes a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    pub step: Option<StepId>,
    pub layer: usize,
    /// Place within the layer.
    pub place: usize,
}

/// All outcomes of one step that lead to the same other step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edge {
    pub from: StepId,
    pub to: StepId,
    pub labels: Vec<String>,
    /// Only errors go this way.
    pub is_error: bool,
    /// The nodes that it passes, both ends included, from the upper to the lower.
    pub path: Vec<usize>,
    /// It goes up, to a step that came before.
    pub is_back: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Layout {
    /// Steps first, in the order of the flow.
    pub nodes: Vec<Node>,
    pub edges: Vec<Edge>,
    /// Nodes of each layer from left to right.
    pub layers: Vec<Vec<usize>>,
    /// Where most errors lead: those ways are no edges, because they would hide all others.
    pub refuge: Option<Refuge>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refuge {
    pub to: StepId,
    pub from: Vec<StepId>,
}

/// From so many on, errors that lead to one step are marked at their steps instead of drawn.
const REFUGE_LEAST: usize = 4;

pub fn layout(flow: &Flow) -> Layout {
    let mut edges = edges(flow);
    mark_backward(flow, &mut edges);
    let depth = depths(flow, &edges);
    let mut layout = Layout { refuge: refuge(&edges), ..Layout::default() };
    edges.retain(|edge| !layout.refuge.as_ref().is_some_and(|refuge| edge.is_error && edge.to == refuge.to));
    for (index, layer) in depth.iter().enumerate() {
        let step = u16::try_from(index).ok().map(StepId);
        layout.nodes.push(Node { step, layer: *layer, place: 0 });
    }
    for edge in &mut edges {
        let (upper, lower) = if edge.is_back { (edge.to, edge.from) } else { (edge.from, edge.to) };
        edge.path = path(&mut layout.nodes, upper, lower);
    }
    layout.edges = edges;
    let count = layout.nodes.iter().map(|node| node.layer + 1).max().unwrap_or(0);
    layout.layers = vec![Vec::new(); count];
    for (index, node) in layout.nodes.iter().enumerate() {
        if let Some(layer) = layout.layers.get_mut(node.layer) {
            layer.push(index);
        }
    }
    sort(&mut layout);
    layout
}

fn index(id: StepId) -> usize {
    usize::from(id.0)
}

fn refuge(edges: &[Edge]) -> Option<Refuge> {
    let mut counts: BTreeMap<StepId, Vec<StepId>> = BTreeMap::new();
    for edge in edges.iter().filter(|edge| edge.is_error) {
        counts.entry(edge.to).or_default().push(edge.from);
    }
    let (to, from) = counts.into_iter().max_by_key(|(_, from)| from.len())?;
    (from.len() >= REFUGE_LEAST).then_some(Refuge { to, from })
}

/// Every way of the flow, without its path.
pub fn edges(flow: &Flow) -> Vec<Edge> {
    let mut edges: Vec<Edge> = Vec::new();
    for (from, step) in (0..=u16::MAX).map(StepId).zip(&flow.steps) {
        let mut own: Vec<Edge> = Vec::new();
        for (outcome, to) in &step.next {
            let label = label(&key_of(&step.act, *outcome));
            let is_error = *outcome == crate::domain::flow::definition::Outcome::Error;
            match own.iter_mut().find(|edge| edge.to == *to) {
                Some(edge) => {
                    edge.labels.push(label);
                    edge.is_error &= is_error;
                }
                None => {
                    let (labels, path) = (vec![label], Vec::new());
                    own.push(Edge { from, to: *to, labels, is_error, path, is_back: false });
                }
            }
        }
        edges.extend(own);
    }
    edges
}

/// `on.timeout` is `timeout`, `keys.1` is `1`, `when[0].to` is `when 1`.
fn label(key: &str) -> String {
    if let Some(word) = key.strip_prefix("on.").or(key.strip_prefix("keys.")) {
        return word.to_owned();
    }
    let Some((list, rest)) = key.split_once('[') else { return key.to_owned() };
    let number = rest.split(']').next().and_then(|number| number.parse::<usize>().ok()).unwrap_or_default();
    format!("{} {}", list.trim_end_matches('s'), number + 1)
}

/// Edges that close a circle on the way down from the start, so that the others go down only.
fn mark_backward(flow: &Flow, edges: &mut [Edge]) {
    let mut state = vec![0_u8; flow.steps.len()];
    let roots = std::iter::once(flow.start).chain((0..=u16::MAX).map(StepId).take(flow.steps.len()));
    for root in roots {
        // A stack of its own: steps may be many.
        let mut stack = vec![(root, 0)];
        if state.get(index(root)).is_none_or(|seen| *seen != 0) {
            continue;
        }
        while let Some((step, next)) = stack.pop() {
            if let Some(own) = state.get_mut(index(step)) {
                *own = 1;
            }
            let found = edges.iter_mut().enumerate().skip(next).find(|(_, edge)| edge.from == step);
            let Some((at, edge)) = found else {
                if let Some(own) = state.get_mut(index(step)) {
                    *own = 2;
                }
                continue;
            };
            stack.push((step, at + 1));
            match state.get(index(edge.to)) {
                Some(0) => stack.push((edge.to, 0)),
                Some(1) => edge.is_back = true,
                _ => {}
            }
        }
    }
}

/// The longest way down to each step.
fn depths(flow: &Flow, edges: &[Edge]) -> Vec<usize> {
    let mut depth = vec![0; flow.steps.len()];
    for _ in 0..flow.steps.len() {
        let mut has_changed = false;
        for edge in edges.iter().filter(|edge| !edge.is_back) {
            let least = depth.get(index(edge.from)).copied().unwrap_or_default() + 1;
            if let Some(own) = depth.get_mut(index(edge.to)).filter(|own| **own < least) {
                *own = least;
                has_changed = true;
            }
        }
        if !has_changed {
            break;
        }
    }
    depth
}

/// A node on each layer between two steps.
fn path(nodes: &mut Vec<Node>, upper: StepId, lower: StepId) -> Vec<usize> {
    let layer = |nodes: &[Node], id: StepId| nodes.get(index(id)).map_or(0, |node| node.layer);
    let (from, to) = (layer(nodes, upper), layer(nodes, lower));
    let mut path = vec![index(upper)];
    for between in from + 1..to {
        path.push(nodes.len());
        nodes.push(Node { step: None, layer: between, place: 0 });
    }
    if upper != lower {
        path.push(index(lower));
    }
    path
}

/// Each node to the middle of its neighbours in the layer above, then below, over and over.
fn sort(layout: &mut Layout) {
    let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for edge in &layout.edges {
        for pair in edge.path.windows(2) {
            if let [upper, lower] = pair {
                neighbours.entry(*upper).or_default().push(*lower);
                neighbours.entry(*lower).or_default().push(*upper);
            }
        }
    }
    place(layout);
    for sweep in 0..SWEEPS {
        let goes_down = sweep % 2 == 0;
        for step in 0..layout.layers.len() {
            let at = if goes_down { step } else { layout.layers.len() - 1 - step };
            let beside = if goes_down { at.checked_sub(1) } else { Some(at + 1) };
            let middle = |node: usize| {
                let own = neighbours.get(&node).into_iter().flatten();
                let places: Vec<usize> = own
                    .filter_map(|other| layout.nodes.get(*other).filter(|other| Some(other.layer) == beside))
                    .map(|other| other.place)
                    .collect();
                let own_place = layout.nodes.get(node).map_or(0, |node| node.place) * 1_000;
                if places.is_empty() { own_place } else { places.iter().sum::<usize>() * 1_000 / places.len() }
            };
            let Some(mut layer) = layout.layers.get(at).cloned() else { continue };
            layer.sort_by_key(|node| middle(*node));
            if let Some(own) = layout.layers.get_mut(at) {
                *own = layer;
            }
            place(layout);
        }
    }
}

fn place(layout: &mut Layout) {
    for layer in &layout.layers {
        for (place, node) in layer.iter().enumerate() {
            if let Some(node) = layout.nodes.get_mut(*node) {
                node.place = place;
            }
        }
    }
}
