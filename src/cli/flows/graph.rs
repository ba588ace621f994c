//! `offhook flows graph NAME`: a flow as text, and as a picture where a file is named. Runs nothing.

use super::layout::{Edge, Layout, edges, layout};
use super::{Folder, read, svg};
use crate::cli::outcome::{Answer, Failure, plain};
use crate::domain::flow::definition::Flow;
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub struct Arguments {
    /// The flow.
    pub flow: String,
    /// Write the picture into this file; `-` prints it.
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    #[command(flatten)]
    pub folder: Folder,
}

pub fn graph(arguments: &Arguments) -> Result<Answer, Failure> {
    let configuration = read(&arguments.folder.config)?;
    let flows = &configuration.exchange.flows;
    let Some(flow) = flows.find(&arguments.flow) else {
        let names: Vec<String> = flows.iter().map(|flow| flow.name.to_string()).collect();
        let message = format!("there is no flow `{}`", arguments.flow);
        return Err(Failure { details: names, ..Failure::usage("no_such_flow", message) });
    };
    let layout = layout(flow);
    let words = match &arguments.svg {
        None => text(flow, &layout),
        Some(path) if path.as_os_str() == "-" => svg::svg(flow, &layout),
        Some(path) => {
            let write = std::fs::write(path, svg::svg(flow, &layout));
            write.map_err(|error| Failure::failed("not_written", format!("{}: {error}", path.display())))?;
            format!("{}: {} steps, {} ways\n", path.display(), flow.steps.len(), layout.edges.len())
        }
    };
    Ok(Answer { words, json: in_json(flow, &layout) })
}

/// Every step with its ways, from the start downwards; `^` leads back to a step above.
pub fn text(flow: &Flow, layout: &Layout) -> String {
    let mut text = format!("{} ({}), {} steps\n", flow.name, flow.kind.name(), flow.steps.len());
    let mut edges = edges(flow);
    edges.iter_mut().for_each(|edge| edge.is_back = is_back(layout, edge));
    let width = flow.steps.iter().map(|step| step.name.chars().count()).max().unwrap_or_default();
    for id in layout.layers.iter().flatten().filter_map(|node| layout.nodes.get(*node)).filter_map(|node| node.step) {
        let Some(step) = flow.step(id) else { continue };
        let mark = if id == flow.start { '>' } else { ' ' };
        text += &format!("{mark} {:<width$}  {}\n", plain(&step.name), step.act.name());
        let own: Vec<_> = edges.iter().filter(|edge| edge.from == id).collect();
        let label = |labels: &[String]| labels.join(", ");
        let labels = own.iter().map(|edge| label(&edge.labels).chars().count()).max().unwrap_or_default();
        for edge in own {
            let to = flow.step(edge.to).map_or("", |step| &step.name);
            let arrow = if edge.is_back { "-^" } else { "->" };
            text += &format!("{:width$}    {:<labels$} {arrow} {}\n", "", label(&edge.labels), plain(to));
        }
    }
    text
}

fn is_back(layout: &Layout, edge: &Edge) -> bool {
    layout.edges.iter().any(|drawn| drawn.is_back && (drawn.from, drawn.to) == (edge.from, edge.to))
}

fn in_json(flow: &Flow, layout: &Layout) -> Value {
    let name = |id| flow.step(id).map_or("", |step| &*step.name);
    let steps: Vec<Value> = flow
        .steps
        .iter()
        .zip(&layout.nodes)
        .map(|(step, node)| json!({ "step": &*step.name, "do": step.act.name(), "layer": node.layer, "place": node.place }))
        .collect();
    let way = |edge: &Edge| json!({ "from": name(edge.from), "to": name(edge.to), "outcomes": edge.labels, "back": is_back(layout, edge) });
    let ways: Vec<Value> = edges(flow).iter().map(way).collect();
    json!({ "flow": &*flow.name, "kind": flow.kind.name(), "start": name(flow.start), "steps": steps, "ways": ways })
}
