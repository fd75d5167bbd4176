import type { Answer, AskOptions, ChatMessage, Plan, QuestionOptions, VideoModel } from '../../generate/index.ts';

/** A video that is talked about, as it is planned by itself. */
export type Subject = { video: string; plan: Plan };

/** What was said about some videos so far. */
export class Conversation implements Disposable {
  readonly #model: VideoModel;
  readonly #options: AskOptions;
  readonly #system: ChatMessage[];
  readonly #stop = new AbortController();
  #subjects: Subject[] = [];
  /** Videos that no question has brought along yet: the next one does. */
  #fresh: string[] = [];
  #said: ChatMessage[] = [];

  constructor(model: VideoModel, { system, ...options }: QuestionOptions) {
    this.#model = model;
    this.#options = options;
    this.#system = system === undefined ? [] : [{ role: 'system', content: system }];
  }

  get subjects(): readonly Subject[] {
    return this.#subjects;
  }

  /** Talks about one more video. It is looked at here; unless `ahead` is false, the model reads it while the question is typed. @throws as VideoModel.plan() does */
  async add(video: string, ahead: boolean): Promise<Subject> {
    const subject = { video, plan: await this.#model.plan(video, '', this.#options) };
    this.#subjects.push(subject);
    this.#fresh.push(video);
    if (ahead) this.#read();
    return subject;
  }

  ask(question: string, signal: AbortSignal): Answer {
    return this.#model.generate([...this.#messages(), this.#turn(question)], { ...this.#options, signal });
  }

  /** Keeps a question and what was answered, all or as far as it came. */
  keep(question: string, answer: string): void {
    this.#said.push(this.#turn(question), { role: 'assistant', content: answer });
    this.#fresh = [];
  }

  /** Forgets what was said, and all videos but the first. */
  clear(): void {
    this.#said = [];
    this.#subjects = this.#subjects.slice(0, 1);
    this.#fresh = this.#subjects.map(({ video }) => video);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #messages(): ChatMessage[] {
    return [...this.#system, ...this.#said];
  }

  #turn(question: string): ChatMessage {
    return { role: 'user', content: [...this.#fresh.map((video) => ({ type: 'video' as const, video })), { type: 'text', text: question }] };
  }

  /** A failure is told when a question meets it. */
  #read(): void {
    const { signal = this.#stop.signal } = this.#options;
    this.#model.read([...this.#messages(), this.#turn('')], { ...this.#options, signal: AbortSignal.any([signal, this.#stop.signal]) }).catch(() => {});
  }
}
