import { filePart, type Answer, type AskOptions, type ChatMessage, type MediaPart, type Plan, type QuestionOptions, type VideoModel } from '../../generate/index.ts';

/** A file that is talked about, as it is planned by itself. */
export type Subject = { file: string; part: MediaPart; plan: Plan };

/** What was said about some videos and pictures so far. */
export class Conversation implements Disposable {
  readonly #model: VideoModel;
  readonly #options: AskOptions;
  readonly #system: ChatMessage[];
  readonly #stop = new AbortController();
  #subjects: Subject[] = [];
  /** Of the subjects, those that it began with. */
  #first = 0;
  /** What no question has brought along yet: the next one does. */
  #fresh: MediaPart[] = [];
  #said: ChatMessage[] = [];

  constructor(model: VideoModel, { system, ...options }: QuestionOptions) {
    this.#model = model;
    this.#options = options;
    this.#system = system === undefined ? [] : [{ role: 'system', content: system }];
  }

  get subjects(): readonly Subject[] {
    return this.#subjects;
  }

  /** Begins with these files, in their order. @throws as add() does */
  async begin(files: readonly string[], ahead: boolean): Promise<void> {
    for (const [i, file] of files.entries()) await this.add(file, ahead && i === files.length - 1);
    this.#first = files.length;
  }

  /** Talks about one more video or picture. It is looked at here; unless `ahead` is false, the model reads it while the question is typed. @throws as filePart() and VideoModel.plan() do */
  async add(file: string, ahead: boolean): Promise<Subject> {
    const { read, signal } = this.#options;
    const part = await filePart(file, { ...read, signal });
    const subject = { file, part, plan: await this.#model.plan(part, '', this.#options) };
    this.#subjects.push(subject);
    this.#fresh.push(part);
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

  /** Forgets what was said, and all files but those it began with. */
  clear(): void {
    this.#said = [];
    this.#subjects = this.#subjects.slice(0, this.#first);
    this.#fresh = this.#subjects.map(({ part }) => part);
  }

  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  #messages(): ChatMessage[] {
    return [...this.#system, ...this.#said];
  }

  #turn(question: string): ChatMessage {
    return { role: 'user', content: [...this.#fresh, { type: 'text', text: question }] };
  }

  /** A failure is told when a question meets it. */
  #read(): void {
    const { signal = this.#stop.signal } = this.#options;
    this.#model.read([...this.#messages(), this.#turn('')], { ...this.#options, signal: AbortSignal.any([signal, this.#stop.signal]) }).catch(() => {});
  }
}
