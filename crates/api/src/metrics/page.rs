//! The text format: families with help and type, samples with escaped labels, histograms.

use std::fmt::Write as _;

/// The sides of a call, as labels.
pub(super) const SIDES: [&str; 2] = ["caller", "callee"];

/// A page in the making.
#[derive(Default)]
pub(super) struct Page {
    text: String,
}

/// A histogram with fixed upper bounds.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    bounds: &'static [f64],
    /// One count more than bounds: the last is for all above.
    counts: Vec<u64>,
    sum: f64,
}

impl Histogram {
    /// Empty.
    pub(super) fn new(bounds: &'static [f64]) -> Histogram {
        Histogram { bounds, counts: vec![0; bounds.len() + 1], sum: 0.0 }
    }

    /// Adds a value.
    pub(super) fn add(&mut self, value: f64) {
        let at = self.bounds.iter().position(|&bound| value <= bound).unwrap_or(self.bounds.len());
        if let Some(count) = self.counts.get_mut(at) {
            *count += 1;
        }
        self.sum += value;
    }
}

impl Page {
    /// Begins a family. `kind` is `counter`, `gauge` or `histogram`.
    pub(super) fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to a String does not fail.
        let _ = write!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    /// One sample.
    pub(super) fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.text.push_str(name);
        let mut open = '{';
        for (label, text) in labels {
            self.text.push(std::mem::replace(&mut open, ','));
            let _ = write!(self.text, "{label}=\"");
            self.escape(text);
            self.text.push('"');
        }
        if !labels.is_empty() {
            self.text.push('}');
        }
        let _ = match value.into() {
            Value::Whole(value) => writeln!(self.text, " {value}"),
            Value::Real(value) => writeln!(self.text, " {value}"),
        };
    }

    /// A family of one sample without labels.
    pub(super) fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Into<Value>) {
        self.family(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A family that is one histogram.
    pub(super) fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        self.buckets(name, &[], histogram);
    }

    /// A family with a histogram for what each side of calls sent.
    pub(super) fn by_side(&mut self, name: &str, help: &str, histograms: &[Histogram; 2]) {
        self.family(name, "histogram", help);
        for (side, histogram) in SIDES.iter().zip(histograms) {
            self.buckets(name, &[("from", side)], histogram);
        }
    }

    fn buckets(&mut self, name: &str, labels: &[(&str, &str)], histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let up_to = |bound: &str, page: &mut Page, count: u64| {
            let labels: Vec<(&str, &str)> = labels.iter().copied().chain([("le", bound)]).collect();
            page.sample(&bucket, &labels, count);
        };
        let mut below = 0;
        for (bound, count) in histogram.bounds.iter().zip(&histogram.counts) {
            below += count;
            up_to(&bound.to_string(), self, below);
        }
        let all: u64 = histogram.counts.iter().sum();
        up_to("+Inf", self, all);
        self.sample(&format!("{name}_sum"), labels, histogram.sum);
        self.sample(&format!("{name}_count"), labels, all);
    }

    fn escape(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '\\' => self.text.push_str("\\\\"),
                '"' => self.text.push_str("\\\""),
                '\n' => self.text.push_str("\\n"),
                other => self.text.push(other),
            }
        }
    }

    /// The whole page.
    pub(super) fn finish(self) -> String {
        self.text
    }
}

/// A sample's value.
pub(super) enum Value {
    Whole(u64),
    Real(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Value {
        Value::Whole(value)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Whole(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Value {
        Value::Real(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_and_histograms() {
        let mut page = Page::default();
        page.family("a_total", "counter", "All.");
        page.sample("a_total", &[("trunk", "a\"b\\c\nd"), ("x", "")], 3_u64);
        let mut histogram = Histogram::new(&[0.5, 1.0]);
        for value in [0.25, 0.5, 0.75, 9.0] {
            histogram.add(value);
        }
        page.histogram("h", "Times.", &histogram);
        let expected = "# HELP a_total All.\n# TYPE a_total counter\na_total{trunk=\"a\\\"b\\\\c\\nd\",x=\"\"} 3\n\
                        # HELP h Times.\n# TYPE h histogram\nh_bucket{le=\"0.5\"} 2\nh_bucket{le=\"1\"} 3\n\
                        h_bucket{le=\"+Inf\"} 4\nh_sum 10.5\nh_count 4\n";
        assert_eq!(page.finish(), expected);
    }
}
