/** Who reads the answers that a task's rules leave open: another language model. */
import type { JudgeRequest } from '../../tasks/index.ts';

/** What tells one judge from another: a reply counts for the judge that gave it alone. */
export type JudgeName = { kind: 'endpoint'; url: string; /** null: the one that the protocol names. */ model: string | null } | { kind: 'model'; name: string; fingerprint: string };

export type Judge = {
  name(): Promise<JudgeName>;
  /** Gets ready to be asked; called only if there is something to ask. */
  open(): Promise<AsyncDisposable & {
    /** @param attempt from 0: asked again because the last reply was no verdict  @returns what it says  @throws JUDGE where it can't be asked, the signal's reason */
    ask(request: JudgeRequest, attempt: number, signal: AbortSignal): Promise<string>;
  }>;
  /** Questions put to it at once. */
  concurrency: number;
};
