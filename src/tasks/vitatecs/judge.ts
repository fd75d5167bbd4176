import type { JudgeRequest } from '../task.ts';

/** Where the reference asks, unless `OPENAI_API_URL` says otherwise. */
export const judgeUrl = 'https://api.openai.com/v1/chat/completions';

const TRIES = 11; // 1–2 seconds apart in the reference

/** The question to the judge about an answer that no rule settles. @param question the prompt without its last line; @param target the right option */
export function judgeRequest(question: string, target: string, answer: string): JudgeRequest {
  const task =
    'You will receive a caption matching question, the ground-truth answer and the prediction from a question answering (QA) model. Your task is to determine whether QA model prediction is correct, based on the question and ground-truth answer. If the prediction is correct, respond "Correct". If the prediction is incorrect, respond "Incorrect". ';
  return {
    model: 'gpt-3.5-turbo-1106',
    messages: [
      { role: 'system', content: 'You are an AI assistant for question answering.' },
      { role: 'user', content: `${task}\n\nCaption Matching Question: ${question}\n\nGround-Truth Answer: ${target}\n\nModel Prediction: ${answer}` },
    ],
    settings: { max_tokens: 128, temperature: 1, top_p: 1, presence_penalty: 1 },
    tries: TRIES,
  };
}

/** A stripped reply → points; undefined where it is no verdict. */
export function judgeRating(reply: string): 0 | 1 | undefined {
  if (reply.startsWith('Correct')) return 1;
  if (reply.startsWith('Incorrect')) return 0;
  if (reply.includes('Incorrect')) return 0;
  return reply.includes('Correct') ? 1 : undefined;
}
