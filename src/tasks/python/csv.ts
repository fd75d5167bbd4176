/** Python's `csv.reader` in its standard dialect: the files of WebVid and SSv2's test answers are read with it. */

/** Rows of cells; a blank line is a row without cells. A quote counts only at the start of a cell, `""` in quotes is one quote,
 * what follows a closing quote belongs to the cell, and the end of the file closes an open one. */
export function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let cell = '';
  let state: 'start' | 'plain' | 'quoted' | 'after quote' = 'start';
  let begun = false; // something of this row was read
  const endCell = () => {
    row.push(cell);
    cell = '';
    state = 'start';
  };
  const endRow = () => {
    if (begun) endCell();
    rows.push(row);
    row = [];
    begun = false;
  };
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (state === 'quoted') {
      if (c === '"') state = 'after quote';
      else cell += c;
    } else if (c === '\n' || c === '\r') {
      if (c === '\r' && text[i + 1] === '\n') i++;
      endRow();
    } else {
      begun = true;
      if (c === ',') endCell();
      else if (c === '"' && state === 'start') state = 'quoted';
      else {
        if (c === '"' && state === 'after quote') state = 'quoted'; // a doubled quote
        else state = 'plain';
        cell += c;
      }
    }
  }
  if (begun) endRow();
  return rows;
}
