//! Tables with aligned columns, and pairs of name and value.

/// Characters of a line of pairs, or of text.
const WIDTH: usize = 100;

/// The text in lines of at most so many characters, broken at blanks; a word that is longer stays whole.
fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        let fits = line.chars().count() + 1 + word.chars().count() <= width;
        match line.is_empty() {
            true => line.push_str(word),
            false if fits => line.extend([" ", word]),
            false => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A sentence, which goes on a little further in where it does not fit into one line.
pub(crate) fn sentence(text: &str) -> String {
    const INDENT: &str = "  ";
    folded(text, WIDTH - INDENT.len()).join(&format!("\n{INDENT}"))
}

/// Colours of states.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Colour {
    Good,
    Doubtful,
    Bad,
}

impl Colour {
    fn code(self) -> &'static str {
        match self {
            Colour::Good => "\x1b[32m",
            Colour::Doubtful => "\x1b[33m",
            Colour::Bad => "\x1b[31m",
        }
    }

    /// The text in this colour.
    pub(crate) fn paint(self, text: &str) -> String {
        format!("{}{text}\x1b[0m", self.code())
    }

    /// Of a state of a trunk, gateway or call.
    pub(crate) fn of_state(state: &str) -> Option<Colour> {
        match state {
            "up" | "answered" | "registered" | "refreshing" => Some(Colour::Good),
            "down" | "unresolved" | "unregistered" | "forbidden" => Some(Colour::Bad),
            "disabled" | "draining" | "cooling" | "poor" | "unknown" | "waiting" | "registering" => {
                Some(Colour::Doubtful)
            }
            _ => None,
        }
    }
}

/// One field.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    colour: Option<Colour>,
    right: bool,
}

impl Cell {
    /// Text, to the left. What a terminal would obey is shown as `?`; a missing text as `-`.
    pub(crate) fn new(text: impl AsRef<str>) -> Cell {
        let text = text.as_ref();
        let text = if text.is_empty() { "-".to_owned() } else { text.replace(char::is_control, "?") };
        Cell { text, colour: None, right: false }
    }

    fn blank() -> Cell {
        Cell { text: String::new(), colour: None, right: false }
    }

    /// Text that may be missing.
    pub(crate) fn maybe(text: Option<impl AsRef<str>>) -> Cell {
        text.map_or_else(|| Cell::new(""), Cell::new)
    }

    /// A number, to the right.
    pub(crate) fn number(value: impl std::fmt::Display) -> Cell {
        Cell { text: value.to_string(), colour: None, right: true }
    }

    /// A state with its colour.
    pub(crate) fn state(state: &str) -> Cell {
        Cell { colour: Colour::of_state(state), ..Cell::new(state) }
    }

    /// The same in a colour.
    pub(crate) fn coloured(self, colour: Option<Colour>) -> Cell {
        Cell { colour, ..self }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    /// The same in lines of at most so many characters.
    fn folded(&self, width: usize) -> Vec<Cell> {
        folded(&self.text, width).into_iter().map(|text| Cell { text, ..self.clone() }).collect()
    }

    fn write(&self, out: &mut String, width: usize, colour: bool) {
        let gap = width.saturating_sub(self.width());
        if self.right {
            out.extend(std::iter::repeat_n(' ', gap));
        }
        match self.colour.filter(|_| colour) {
            Some(colour) => out.push_str(&colour.paint(&self.text)),
            None => out.push_str(&self.text),
        }
        if !self.right {
            out.extend(std::iter::repeat_n(' ', gap));
        }
    }
}

/// Rows under a header, or pairs without one.
#[derive(Default, Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
    header: bool,
}

impl Table {
    /// With a header.
    pub(crate) fn new(header: &[&str]) -> Table {
        Table { rows: vec![header.iter().map(Cell::new).collect()], header: true }
    }

    /// Names and values.
    pub(crate) fn pairs() -> Table {
        Table::default()
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<Cell>) {
        self.rows.push(cells);
    }

    /// Adds a name and its value.
    pub(crate) fn pair(&mut self, name: &str, value: impl AsRef<str>) {
        self.rows.push(vec![Cell::new(name), Cell::new(value)]);
    }

    /// Adds to the pair before.
    pub(crate) fn more(&mut self, value: impl AsRef<str>, colour: Option<Colour>) {
        self.rows.push(vec![Cell::blank(), Cell::new(value).coloured(colour)]);
    }

    /// The whole table; columns are two blanks apart and lines have no blanks at their ends.
    pub(crate) fn print(&self, colour: bool) -> String {
        let mut widths = Vec::new();
        self.widen(&mut widths);
        self.print_as_wide(colour, &widths)
    }

    fn column(&self, at: usize) -> impl Iterator<Item = &Cell> {
        self.rows.iter().filter_map(move |row| row.get(at))
    }

    /// Makes the columns wide enough for this table too.
    pub(crate) fn widen(&self, widths: &mut Vec<usize>) {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        widths.resize(columns.max(widths.len()), 0);
        for (at, width) in widths.iter_mut().enumerate() {
            *width = self.column(at).map(Cell::width).max().unwrap_or(0).max(*width);
        }
    }

    /// A pair whose value does not fit into [`WIDTH`] goes on under it.
    fn fold(&self, row: &[Cell], widths: &[usize]) -> Vec<Vec<Cell>> {
        let (&[name, _], [first, value], false) = (widths, row, self.header) else {
            return vec![row.to_vec()];
        };
        let lines = value.folded(WIDTH.saturating_sub(name + 2));
        let names = std::iter::once(first.clone()).chain(std::iter::repeat(Cell::blank()));
        names.zip(lines).map(|(name, line)| vec![name, line]).collect()
    }

    /// The whole table in columns of these widths.
    pub(crate) fn print_as_wide(&self, colour: bool, widths: &[usize]) -> String {
        // A header stands over its column as the column's fields stand.
        let right: Vec<bool> = (0..widths.len()).map(|at| self.column(at).any(|cell| cell.right)).collect();
        let mut text = String::new();
        let folded: Vec<Vec<Cell>> = self.rows.iter().flat_map(|row| self.fold(row, widths)).collect();
        for (number, row) in folded.iter().enumerate() {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(widths).zip(&right) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let head = self.header && number == 0;
                let cell = Cell { right: if head { *right } else { cell.right }, ..cell.clone() };
                cell.write(&mut line, *width, colour);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new(&["TRUNK", "CALLS", "STATE"]);
        table.row(vec![Cell::new("pbx"), Cell::number(12_345), Cell::state("up")]);
        table.row(vec![Cell::new("übersee-gw"), Cell::number(7), Cell::state("down")]);
        table.row(vec![Cell::maybe(None::<&str>), Cell::new("a\x1b[2Jb"), Cell::new("")]);
        let expected = concat!(
            "TRUNK        CALLS  STATE\n",
            "pbx          12345  up\n",
            "übersee-gw       7  down\n",
            "-           a?[2Jb  -\n",
        );
        assert_eq!(table.print(false), expected);
        assert!(table.print(true).contains("\x1b[31mdown\x1b[0m"));
    }

    #[test]
    fn a_long_value_goes_on_under_itself() {
        let mut table = Table::pairs();
        table.pair("call", "7");
        table.pair("decision", ["word"; 30].join(" "));
        let text = table.print(false);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[2]), (3, &*format!("          {}", ["word"; 12].join(" "))), "{text}");
        assert!(lines.iter().all(|line| line.len() <= WIDTH), "{text}");
        let mut coloured = Table::pairs();
        coloured.row(vec![Cell::new("x"), Cell::new(["word"; 30].join(" ")).coloured(Some(Colour::Bad))]);
        assert!(coloured.print(true).lines().all(|line| line.contains("\x1b[31m")));
    }

    #[test]
    fn pairs_have_no_header() {
        let mut table = Table::pairs();
        table.pair("node", "ber-1");
        table.pair("uptime", "");
        assert_eq!(table.print(true), "node    ber-1\nuptime  -\n");
    }
}
