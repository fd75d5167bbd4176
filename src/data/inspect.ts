/** `stave data inspect`: one row as the model would be shown it. */
import { StaveError } from '../errors.ts';
import type { MediaPlan } from '../generate/media.ts';
import type { Picture } from '../video/index.ts';
import { listProblems, readData, type DataFileOptions } from './file.ts';
import type { Form } from './forms.ts';
import { mediaPictures } from './media.ts';
import { dataModel, mediaOptions, prepareDialogue, type DataModel, type FrameOptions, type PrepareOptions } from './prepare.ts';

/** A stretch of the templated text. */
export type TextPiece = { text: string; /** Whether it is learnt. */ learnt: boolean; /** Visual tokens that stand in its place. */ visual?: number };

export type Inspected = {
  line: number;
  form: Form;
  /** The whole text, in order; one piece after the other is learnt or not, or is a video's or image's place. */
  pieces: TextPiece[];
  tokens: number;
  visual_tokens: number;
  learnt_tokens: number;
  media: MediaPlan[];
  /** The frames that the model sees, of each video and image. */
  pictures: Picture[][];
};

/** @param index of the row, from 0  @throws DATA when there is no such row or something is wrong with it; as decoding does */
export async function inspectConversation(file: string, index: number, model: string | DataModel, options: Partial<PrepareOptions> & DataFileOptions & FrameOptions = {}): Promise<Inspected> {
  let at = 0;
  for await (const { line, form, dialogue, problems } of readData(file, options)) {
    if (at++ < index) continue;
    if (dialogue === undefined) throw new StaveError('DATA', { what: `${file}: row ${index} cannot be trained on`, why: problems.length > 0 ? listProblems(problems.map((problem) => ({ line, ...problem }))) : 'it stands in the quarantine list', fix: 'mend it, or look at another row' });
    const made = await dataModel(model, options);
    const asking = { ...options, learn: options.learn ?? 'every' };
    const { plans, encoded } = await prepareDialogue(dialogue, made, asking);
    const pictures: Picture[][] = [];
    for (const [i, media] of dialogue.media.entries()) {
      const shown: Picture[] = [];
      for await (const picture of mediaPictures(media, plans[i], mediaOptions(made, asking))) shown.push(picture);
      pictures.push(shown);
    }
    const { image_token_id, video_token_id } = made.config;
    return {
      line,
      form: form!,
      pieces: piecesOf(encoded, (ids) => made.tokenizer.decode(ids), (id) => id === image_token_id || id === video_token_id),
      tokens: encoded.ids.length,
      visual_tokens: plans.reduce((sum, { tokens }) => sum + tokens, 0),
      learnt_tokens: encoded.labels.filter((label) => label !== -100).length,
      media: plans,
      pictures,
    };
  }
  throw new StaveError('USAGE', { what: `${file} has ${at} rows, there is no row ${index}`, why: 'rows are counted from 0', fix: at === 0 ? 'give a file of conversations' : `give a number from 0 to ${at - 1}` });
}

/** Told by the tokens themselves, as training sees them, not by the text. */
function piecesOf({ ids, labels }: { ids: number[]; labels: number[] }, decode: (ids: number[]) => string, isVisual: (id: number) => boolean): TextPiece[] {
  const pieces: TextPiece[] = [];
  const same = (i: number, j: number) => ids[i] === ids[j] || (!isVisual(ids[i]) && !isVisual(ids[j]));
  for (let start = 0, end; start < ids.length; start = end) {
    end = start + 1;
    while (end < ids.length && (labels[end] === -100) === (labels[start] === -100) && same(start, end)) end++;
    const visual = isVisual(ids[start]) ? end - start : undefined;
    pieces.push({ text: decode(visual === undefined ? ids.slice(start, end) : [ids[start]]), learnt: labels[start] !== -100, ...(visual !== undefined && { visual }) });
  }
  return pieces;
}
