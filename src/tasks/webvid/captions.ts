/** The captions of WebVid-10M from which WebVid-QA is made. Source: the authors' data/webvid_1M.py */
import { parseCsv } from '../python/csv.ts';
import { byCodePoints } from '../python/text.ts';
import { readRows } from '../rows.ts';

/** A line of a CSV file. name: the caption. */
export type Caption = { videoid: string; contentUrl: string; duration: string; page_dir: string; name: string };

/** Captions taken: those longest in code points. */
const MOST = 1_000_000;

/** The longest captions, longest first, equally long ones in the order of the files' names and of their lines. Only names in `.csv` are read.
 * @param files name → contents  @throws DATA naming file, line and column */
export function collectCaptions(files: Readonly<Record<string, string>>, most = MOST): Caption[] {
  const names = Object.keys(files).filter((name) => name.endsWith('.csv')).toSorted(byCodePoints);
  const captions = names.flatMap((file) => readCaptions(file, files[file])).map((caption) => ({ caption, length: [...caption.name].length }));
  return captions.toSorted((a, b) => b.length - a.length).slice(0, most).map(({ caption }) => caption);
}

function readCaptions(file: string, text: string): Caption[] {
  const [header = [], ...lines] = parseCsv(text).filter((cells) => cells.length > 0);
  const rows = lines.map((cells) => Object.fromEntries(header.flatMap((column, i) => (i < cells.length ? [[column, cells[i]]] : []))));
  return readRows(file, rows, (row) => ({ videoid: row.file('videoid'), contentUrl: row.text('contentUrl'), duration: row.text('duration'), page_dir: row.text('page_dir'), name: row.text('name') }));
}
