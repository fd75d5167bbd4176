import { Answer, type AnswerResult } from './answer.ts';
import { askedOf, decide, type DecideOptions, type Decision } from './decide/decide.ts';
import type { Choices } from './decide/choices.ts';
import { question, type ChatMessage } from './messages.ts';
import { answerSettings, type QuestionOptions } from './plan.ts';
import { openPrompt, type LoadedModel, type Opened } from './prefill.ts';
import { run } from './run.ts';
import { settingsJson } from './same-answers.ts';

/** How all questions of a batch are answered. */
export type Way = {
  /** All that decides the answers besides model and question, see settingsJson. */
  settings: string;
  open(messages: readonly ChatMessage[], signal: AbortSignal): Promise<Opened>;
  /** @param after see AskOptions */
  answer(opened: Opened, after: Promise<unknown>, signal: AbortSignal): Promise<AnswerResult | Decision>;
};

/** In words. @throws USAGE */
export function asking(model: LoadedModel, options: QuestionOptions): Way {
  return {
    settings: settingsJson({ ...answerSettings(model.files, options), system: options.system ?? null }),
    open: (messages, signal) => openPrompt(model, messages, { ...options, signal }),
    answer: (opened, after, signal) => new Answer(run(model, opened.messages, { ...options, after, signal }, opened)).result(),
  };
}

/** Between choices. @throws USAGE */
export function deciding(model: LoadedModel, choices: Choices, options: DecideOptions): Way {
  const asked = askedOf(model, question([], '', options.system), choices, options); // what can be wrong with choices is so for every question
  const { spelled, reading, normalize, temperature, end_of_turn } = asked;
  const { sampling: { tokens: _, ...sampling }, ...made } = answerSettings(model.files, reading);
  return {
    settings: settingsJson({ ...made, sampling, system: options.system ?? null, choices: spelled.map(({ spellings }) => ({ spellings: spellings.map((text) => ({ text })) })), normalize, temperature, end_of_turn }),
    open: (messages, signal) => openPrompt(model, messages, { ...reading, signal }),
    answer: (opened, after, signal) => decide(model, opened.messages, choices, { ...options, after, signal }, opened),
  };
}
