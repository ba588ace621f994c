//! SIP as the simulated phones speak it: lines of text, read and written without any code of the product.

/// A message as lines. Only what a phone must look at.
#[derive(Clone, Debug)]
pub struct Text {
    pub first: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Text {
    pub fn read(bytes: &[u8]) -> Text {
        let text = String::from_utf8_lossy(bytes);
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Text { first, headers, body: body.to_owned() }
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value)
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str()).collect()
    }

    /// Zero for a request.
    pub fn status(&self) -> u16 {
        self.first.strip_prefix("SIP/2.0 ").and_then(|rest| rest.get(..3)).and_then(|s| s.parse().ok()).unwrap_or(0)
    }

    pub fn method(&self) -> &str {
        if self.status() > 0 {
            self.header("cseq").split(' ').nth(1).unwrap_or("")
        } else {
            self.first.split(' ').next().unwrap_or("")
        }
    }

    pub fn cseq(&self) -> u32 {
        self.header("cseq").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    pub fn branch(&self) -> String {
        parameter(self.header("via"), "branch")
    }

    pub fn to_tag(&self) -> String {
        parameter(self.header("to"), "tag")
    }

    pub fn tag_of_from(&self) -> String {
        parameter(self.header("from"), "tag")
    }

    /// The URI of the first Contact.
    pub fn contact(&self) -> String {
        let contact = self.header("contact");
        contact.split_once('<').and_then(|(_, rest)| rest.split_once('>')).map_or(contact, |(uri, _)| uri).to_owned()
    }

    /// What no peer should be sent: a message out of form.
    pub fn complaint(&self) -> Option<String> {
        for name in ["via", "from", "to", "call-id", "cseq"] {
            let count = self.all(name).len();
            if count == 0 || (count > 1 && name != "via") {
                return Some(format!("{count} headers {name}"));
            }
        }
        let length = self.header("content-length").parse();
        (length != Ok(self.body.len())).then(|| format!("Content-Length {:?} for {} bytes", length, self.body.len()))
    }

    /// The head without the body, as it was sent.
    /// Anywhere: audio goes through us, so no description tells where the other side is.
    pub fn names(&self, word: &str) -> bool {
        self.first.contains(word)
            || self.body.contains(word)
            || self.headers.iter().any(|(_, value)| value.contains(word))
    }

    /// A response to this request.
    pub fn reply(&self, status: u16, tag: &str, contact: &str, extra: &str, body: &str) -> Vec<u8> {
        let mut out = format!("SIP/2.0 {status} Simulated\r\n");
        for via in self.all("via") {
            out += &format!("Via: {via}\r\n");
        }
        for route in self.all("record-route") {
            out += &format!("Record-Route: {route}\r\n");
        }
        let to = self.header("to");
        let to = if self.to_tag().is_empty() && !tag.is_empty() { format!("{to};tag={tag}") } else { to.to_owned() };
        out += &format!(
            "From: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\nContact: <{contact}>\r\n{extra}",
            self.header("from"),
            self.header("call-id"),
            self.header("cseq")
        );
        finish(out, body)
    }
}

/// Adds the body and its length.
pub fn finish(mut head: String, body: &str) -> Vec<u8> {
    if !body.is_empty() {
        head += "Content-Type: application/sdp\r\n";
    }
    head += &format!("Content-Length: {}\r\n\r\n{body}", body.len());
    head.into_bytes()
}

pub fn parameter(value: &str, name: &str) -> String {
    let wanted = format!(";{name}=");
    let after_uri = value.rsplit_once('>').map_or(value, |(_, rest)| rest);
    let text = if after_uri.contains(&wanted) { after_uri } else { value };
    let Some((_, rest)) = text.split_once(&wanted) else { return String::new() };
    rest.split([';', ',', ' ']).next().unwrap_or_default().to_owned()
}

pub fn sdp(host: &str, version: u32, direction: &str) -> String {
    format!(
        "v=0\r\no=phone 7 {version} IN IP4 {host}\r\ns=phone\r\nc=IN IP4 {host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n\
         a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na={direction}\r\n"
    )
}
