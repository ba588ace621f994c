//! Whether a JSON value is as a schema says, and where it is not. Knows the words of JSON Schema that our own schemas use.

use serde_json::Value;

/// How deep schemas refer to each other before it must be a circle.
const DEPTH_MAX: usize = 64;

/// The first thing that is wrong.
#[derive(Clone, PartialEq, Debug)]
pub struct Wrong {
    /// A JSON pointer; empty for the whole.
    pub path: String,
    pub what: String,
}

/// Checks `value` against a definition of `root`.
pub fn check(root: &Value, schema: &Value, value: &Value) -> Result<(), Wrong> {
    Checking { root, path: String::new(), depth: 0 }.value(schema, value)
}

struct Checking<'a> {
    root: &'a Value,
    path: String,
    depth: usize,
}

impl Checking<'_> {
    fn wrong<T>(&self, what: impl Into<String>) -> Result<T, Wrong> {
        Err(Wrong { path: self.path.clone(), what: what.into() })
    }

    fn value(&mut self, schema: &Value, value: &Value) -> Result<(), Wrong> {
        match schema {
            Value::Bool(false) => return self.wrong("nothing may stand here"),
            Value::Object(_) => {}
            _ => return Ok(()),
        }
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return self.wrong("this is too deep");
        }
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            let Some(meant) = self.root.pointer(name.trim_start_matches('#')) else {
                return self.wrong(format!("the schema has no {name}"));
            };
            self.value(meant, value)?;
        }
        self.kind(schema, value)?;
        self.fixed(schema, value)?;
        self.number(schema, value)?;
        for one in list(schema, "allOf") {
            self.value(one, value)?;
        }
        for word in ["oneOf", "anyOf"] {
            self.one_of(list(schema, word), value)?;
        }
        self.fields(schema, value)?;
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (at, one) in values.iter().enumerate() {
                self.at(&at.to_string(), |own| own.value(items, one))?;
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn at<T>(&mut self, key: &str, inner: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let outcome = inner(self)?;
        self.path.truncate(length);
        Ok(outcome)
    }

    fn kind(&self, schema: &Value, value: &Value) -> Result<(), Wrong> {
        let wanted: Vec<&str> = match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => return Ok(()),
        };
        let fits = wanted.iter().any(|wanted| match *wanted {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            _ => false,
        });
        if fits { Ok(()) } else { self.wrong(format!("this must be: {}", wanted.join(" or "))) }
    }

    fn fixed(&self, schema: &Value, value: &Value) -> Result<(), Wrong> {
        if let Some(fixed) = schema.get("const").filter(|fixed| *fixed != value) {
            return self.wrong(format!("this must be {fixed}"));
        }
        let choices = list(schema, "enum");
        if choices.is_empty() || choices.contains(value) {
            return Ok(());
        }
        let words: Vec<String> = choices.iter().map(Value::to_string).collect();
        self.wrong(format!("this must be one of {}", words.join(", ")))
    }

    fn number(&self, schema: &Value, value: &Value) -> Result<(), Wrong> {
        let Some(number) = value.as_f64() else { return Ok(()) };
        let bound = |word: &str| schema.get(word).and_then(Value::as_f64);
        match (bound("minimum"), bound("maximum")) {
            (Some(least), _) if number < least => self.wrong(format!("this must be {least} or more")),
            (_, Some(most)) if number > most => self.wrong(format!("this must be {most} or less")),
            _ => Ok(()),
        }
    }

    /// The one that the value itself names by a constant field is the one that is meant; otherwise any that fits.
    fn one_of(&mut self, branches: &[Value], value: &Value) -> Result<(), Wrong> {
        if branches.is_empty() {
            return Ok(());
        }
        let tags: Vec<(&Value, &str, &Value)> = branches.iter().filter_map(|branch| tag(self.root, branch)).collect();
        if let Some((_, key, _)) = tags.first().filter(|_| tags.len() == branches.len())
            && let Some(given) = value.get(key)
        {
            if let Some((branch, ..)) = tags.iter().find(|(_, own, name)| own == key && *name == given) {
                return self.value(branch, value);
            }
            let words: Vec<&str> = tags.iter().filter_map(|(.., name)| name.as_str()).collect();
            let what = format!("{given} is none of {}", words.join(", "));
            return self.at(key, |own| own.wrong(what));
        }
        let (path, depth) = (self.path.clone(), self.depth);
        let mut deepest: Option<Wrong> = None;
        for branch in branches {
            match self.value(branch, value) {
                Ok(()) => return Ok(()),
                Err(wrong) => {
                    (self.path, self.depth) = (path.clone(), depth);
                    let is_deeper = deepest.as_ref().is_none_or(|before| wrong.path.len() > before.path.len());
                    deepest = if is_deeper { Some(wrong) } else { deepest };
                }
            }
        }
        deepest.map_or(Ok(()), Err)
    }

    fn fields(&mut self, schema: &Value, value: &Value) -> Result<(), Wrong> {
        let Some(object) = value.as_object() else { return Ok(()) };
        for name in list(schema, "required").iter().filter_map(Value::as_str) {
            if !object.contains_key(name) {
                return self.at(name, |own| own.wrong("this is missing"));
            }
        }
        let known = schema.get("properties").and_then(Value::as_object);
        for (name, own) in object {
            match known.and_then(|known| known.get(name)) {
                Some(schema) => self.at(name, |checking| checking.value(schema, own))?,
                None => match schema.get("additionalProperties") {
                    Some(Value::Bool(false)) => return self.at(name, |own| own.wrong("no such field is known here")),
                    Some(more) => self.at(name, |checking| checking.value(more, own))?,
                    None => {}
                },
            }
        }
        Ok(())
    }
}

fn list<'a>(schema: &'a Value, word: &str) -> &'a [Value] {
    schema.get(word).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// The field that is fixed in a branch, and to what.
fn tag<'a>(root: &'a Value, branch: &'a Value) -> Option<(&'a Value, &'a str, &'a Value)> {
    let meant = branch.get("$ref").and_then(Value::as_str).and_then(|name| root.pointer(name.trim_start_matches('#')));
    let fields = meant.unwrap_or(branch).get("properties")?.as_object()?;
    fields.iter().find_map(|(key, field)| Some((branch, key.as_str(), field.get("const")?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn wrong(schema: Value, value: Value) -> Option<(String, String)> {
        check(&schema, &schema, &value).err().map(|wrong| (wrong.path, wrong.what))
    }

    #[test]
    fn the_field_at_fault_is_named() {
        let schema = json!({
            "$defs": { "ask": { "type": "object", "additionalProperties": false,
                "properties": { "to": { "type": "string" }, "most": { "type": ["integer", "null"], "maximum": 9 } },
                "required": ["to"] } },
            "oneOf": [
                { "type": "object", "properties": { "command": { "const": "a" }, "ask": { "$ref": "#/$defs/ask" } } },
                { "type": "object", "properties": { "command": { "const": "b" }, "list": { "items": { "enum": ["x"] } } } },
            ],
        });
        let told = |value: Value| wrong(schema.clone(), value).map(|(path, _)| path).unwrap_or_default();
        assert_eq!(told(json!({ "command": "a", "ask": { "to": "x", "most": null } })), "");
        assert_eq!(told(json!({ "command": "a", "ask": { "to": 7 } })), "/ask/to");
        assert_eq!(told(json!({ "command": "a", "ask": {} })), "/ask/to");
        assert_eq!(told(json!({ "command": "a", "ask": { "to": "x", "most": 10 } })), "/ask/most");
        assert_eq!(told(json!({ "command": "a", "ask": { "to": "x", "a/b": 1 } })), "/ask/a~1b");
        assert_eq!(told(json!({ "command": "b", "list": ["x", "y"] })), "/list/1");
        assert_eq!(told(json!({ "command": "c" })), "/command");
    }

    #[test]
    fn a_schema_that_goes_in_circles_ends() {
        let schema = json!({ "$ref": "#" });
        assert!(wrong(schema, json!(1)).is_some());
    }
}
