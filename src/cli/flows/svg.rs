//! A laid out flow as an SVG picture. Looks at no wire that the layout does not have.

use super::layout::{Edge, Layout};
use crate::domain::flow::definition::{Flow, Step, StepId};
use std::fmt::Write;

const BOX_WIDTH: usize = 168;
const BOX_HEIGHT: usize = 44;
const COLUMN: usize = 208;
const ROW: usize = 112;
/// Where a long line passes a layer.
const LANE: usize = 56;
const MARGIN: usize = 32;
const HEAD: usize = 56;
/// Letters that fit into a box.
const LETTERS: usize = 24;

const STYLE: &str = "text{font-family:sans-serif;font-size:12px;fill:#1b2733}.name{font-weight:bold;text-anchor:middle}\
.act{text-anchor:middle;fill:#4a5b6c;font-size:11px}.label{font-size:10px;text-anchor:middle;fill:#33475b;\
paint-order:stroke;stroke:#fff;stroke-width:3px}rect{fill:#eef4fb;stroke:#4a7ab0}.start{stroke-width:3px}\
.end{fill:#f3f0ea;stroke:#8a7a5c}path{fill:none;stroke:#4a7ab0;stroke-width:1.3}.error{stroke:#b3554a;stroke-dasharray:5 4}\
.back{stroke:#7a8a9a}.mark{fill:#b3554a}.title{font-size:16px;font-weight:bold}";

struct Point {
    x: usize,
    y: usize,
}

/// Middles of all nodes.
struct Canvas {
    middles: Vec<Point>,
    width: usize,
    height: usize,
}

pub fn svg(flow: &Flow, layout: &Layout) -> String {
    let canvas = canvas(layout);
    let mut marks = String::new();
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\">\n\
         <style>{STYLE}</style>\n\
         <defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto-start-reverse\"><path d=\"M0 0 L8 4 L0 8 z\" style=\"fill:#4a5b6c;stroke:none\"/></marker></defs>\n\
         <rect width=\"{0}\" height=\"{1}\" style=\"fill:#fff;stroke:none\"/>\n",
        canvas.width, canvas.height
    );
    let title = format!("{} ({})", flow.name, flow.kind.name());
    let _ = writeln!(text, "<text class=\"title\" x=\"{MARGIN}\" y=\"26\">{}</text>", escaped(&title));
    if let Some((refuge, to)) = layout.refuge.as_ref().and_then(|one| Some((one, flow.step(one.to)?))) {
        let words = format!("errors of the steps with a mark lead to {}", escaped(&short(&to.name)));
        let _ = writeln!(text, "<circle class=\"mark\" cx=\"{}\" cy=\"36\" r=\"5\"/>", MARGIN + 5);
        let _ = writeln!(
            text,
            "<text class=\"act\" style=\"text-anchor:start\" x=\"{}\" y=\"40\">{words}</text>",
            MARGIN + 16
        );
        for middle in refuge.from.iter().filter_map(|id| canvas.middles.get(usize::from(id.0))) {
            let (x, y) = (middle.x + BOX_WIDTH / 2 - 9, middle.y + BOX_HEIGHT / 2 - 9);
            marks.push_str(&format!("<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"5\"/>\n"));
        }
    }
    for edge in &layout.edges {
        text.push_str(&line(edge, &canvas));
    }
    for edge in &layout.edges {
        text.push_str(&label(edge, &canvas));
    }
    for (id, step) in (0..=u16::MAX).map(StepId).zip(&flow.steps) {
        if let Some(middle) = canvas.middles.get(usize::from(id.0)) {
            text.push_str(&step_box(step, middle, id == flow.start));
        }
    }
    text.push_str(&marks);
    text.push_str("</svg>\n");
    text
}

fn canvas(layout: &Layout) -> Canvas {
    let width_of = |node: usize| match layout.nodes.get(node) {
        Some(node) if node.step.is_some() => COLUMN,
        _ => LANE,
    };
    let widths: Vec<usize> = layout.layers.iter().map(|layer| layer.iter().map(|node| width_of(*node)).sum()).collect();
    let widest = widths.iter().copied().max().unwrap_or(COLUMN).max(COLUMN);
    let mut middles: Vec<Point> = layout.nodes.iter().map(|_| Point { x: 0, y: 0 }).collect();
    for (row, (layer, width)) in layout.layers.iter().zip(&widths).enumerate() {
        let mut x = MARGIN + (widest - width) / 2;
        for node in layer {
            let own = width_of(*node);
            if let Some(middle) = middles.get_mut(*node) {
                *middle = Point { x: x + own / 2, y: HEAD + row * ROW + BOX_HEIGHT / 2 };
            }
            x += own;
        }
    }
    let height = HEAD + layout.layers.len().saturating_sub(1) * ROW + BOX_HEIGHT + MARGIN;
    Canvas { middles, width: widest + 2 * MARGIN, height }
}

fn step_box(step: &Step, middle: &Point, is_start: bool) -> String {
    let class = match (is_start, step.next.is_empty()) {
        (true, _) => "start",
        (false, true) => "end",
        _ => "step",
    };
    let (x, y) = (middle.x - BOX_WIDTH / 2, middle.y - BOX_HEIGHT / 2);
    format!(
        "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{BOX_WIDTH}\" height=\"{BOX_HEIGHT}\" rx=\"7\"/>\n\
         <text class=\"name\" x=\"{0}\" y=\"{1}\">{2}</text><text class=\"act\" x=\"{0}\" y=\"{3}\">{4}</text>\n",
        middle.x,
        middle.y - 3,
        escaped(&short(&step.name)),
        middle.y + 14,
        step.act.name()
    )
}

/// From the lower edge of the upper box through its lanes to the upper edge of the lower one.
fn line(edge: &Edge, canvas: &Canvas) -> String {
    let class = match (edge.is_error, edge.is_back) {
        (true, _) => "error",
        (false, true) => "back",
        _ => "way",
    };
    let Some(points) = points(edge, canvas) else { return String::new() };
    let tip = if edge.is_back { "marker-start" } else { "marker-end" };
    let mut path = String::new();
    for (at, point) in points.iter().enumerate() {
        match at.checked_sub(1).and_then(|before| points.get(before)) {
            None => {
                let _ = write!(path, "M{} {}", point.x, point.y);
            }
            Some(before) => {
                let half = (before.y + point.y) / 2;
                let _ = write!(path, " C{} {half} {} {half} {} {}", before.x, point.x, point.x, point.y);
            }
        }
    }
    format!("<path class=\"{class}\" d=\"{path}\" {tip}=\"url(#tip)\"/>\n")
}

fn points(edge: &Edge, canvas: &Canvas) -> Option<Vec<Point>> {
    let middles: Vec<&Point> = edge.path.iter().filter_map(|node| canvas.middles.get(*node)).collect();
    let (first, last) = (*middles.first()?, *middles.last()?);
    if middles.len() == 1 {
        // To itself: a bow at the right side.
        let (x, y) = (first.x + BOX_WIDTH / 2, first.y);
        return Some(vec![Point { x, y: y + 8 }, Point { x: x + 26, y }, Point { x, y: y - 8 }]);
    }
    // Side by side where several leave one box, so that heads and tails do not lie on each other.
    let shift = |from: &Point, to: &Point| {
        let wish = (to.x.max(from.x) - to.x.min(from.x)).min(COLUMN) * 48 / COLUMN;
        if to.x >= from.x { from.x + wish } else { from.x - wish }
    };
    let second = *middles.get(1)?;
    let before_last = *middles.get(middles.len() - 2)?;
    let mut points = vec![Point { x: shift(first, second), y: first.y + BOX_HEIGHT / 2 }];
    for lane in middles.get(1..middles.len() - 1)? {
        points.push(Point { x: lane.x, y: lane.y - BOX_HEIGHT / 2 });
        points.push(Point { x: lane.x, y: lane.y + BOX_HEIGHT / 2 });
    }
    points.push(Point { x: shift(last, before_last), y: last.y - BOX_HEIGHT / 2 });
    Some(points)
}

/// Beside the line, near the step that it leaves.
fn label(edge: &Edge, canvas: &Canvas) -> String {
    let Some(mut points) = points(edge, canvas) else { return String::new() };
    let is_loop = edge.path.len() == 1;
    if edge.is_back && !is_loop {
        points.reverse();
    }
    let (Some(first), Some(second)) = (points.first(), points.get(1)) else { return String::new() };
    let (x, y) = if is_loop {
        (second.x + 8, second.y + 3)
    } else {
        // A third of the way, by the same bow as the line.
        let x = (first.x * 3 + second.x * 2) / 5;
        (x, (first.y * 3 + second.y * 2) / 5 + 3)
    };
    let words = short(&edge.labels.join(", "));
    format!("<text class=\"label\" x=\"{x}\" y=\"{y}\">{}</text>\n", escaped(&words))
}

fn short(text: &str) -> String {
    if text.chars().count() <= LETTERS {
        text.to_owned()
    } else {
        text.chars().take(LETTERS - 1).chain(['…']).collect()
    }
}

fn escaped(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
