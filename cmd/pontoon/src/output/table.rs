//! Columns as Go's tabwriter makes them for Docker: at least 10 wide, 3 apart.

/// Docker's least width of a column.
const LEAST: usize = 10;
/// Docker's distance between columns.
const PADDING: usize = 3;

/// Lines whose cells end in tabs, with the cells aligned. What follows a line's last tab is in no column.
pub fn align(text: &str) -> String {
    let lines: Vec<Vec<&str>> = text.split('\n').map(|line| line.split('\t').collect()).collect();
    let mut widths: Vec<Vec<usize>> = lines.iter().map(|cells| vec![0; cells.len().saturating_sub(1)]).collect();
    let columns = widths.iter().map(Vec::len).max().unwrap_or(0);
    for column in 0..columns {
        let mut start = 0;
        while start < lines.len() {
            // A column is a run of neighbouring lines that have it.
            let run = widths[start..].iter().take_while(|line| line.len() > column).count();
            let cells = lines[start..start + run].iter().map(|cells| cells[column].chars().count() + PADDING);
            let width = cells.max().unwrap_or(0).max(LEAST);
            widths[start..start + run].iter_mut().for_each(|line| line[column] = width);
            start += run.max(1);
        }
    }
    let mut out = String::with_capacity(text.len() * 2);
    for (i, (cells, widths)) in lines.iter().zip(&widths).enumerate() {
        if i > 0 {
            out.push('\n');
        }
        for (cell, width) in cells.iter().zip(widths) {
            out.push_str(cell);
            out.extend(std::iter::repeat_n(' ', width.saturating_sub(cell.chars().count())));
        }
        out.push_str(cells.last().unwrap_or(&""));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_dockers() {
        let text = "NETWORK ID\tNAME\tDRIVER\n0123456789ab\tbridge\tbridge\nba9876543210\ta-long-name-here\tnull\n";
        let expected = "NETWORK ID     NAME               DRIVER\n0123456789ab   bridge             bridge\n\
                        ba9876543210   a-long-name-here   null\n";
        assert_eq!(align(text), expected);
        assert_eq!(align("NAME\tX\na\tb\n"), "NAME      X\na         b\n");
        assert_eq!(align("é\tx\n"), "é         x\n");
    }

    #[test]
    fn a_line_without_a_column_parts_it() {
        assert_eq!(align("aaaaaaaaaaaaaaa\tb\nplain\nc\td"), "aaaaaaaaaaaaaaa   b\nplain\nc         d");
        assert_eq!(align(""), "");
    }
}
