/** Why a command is stopped from outside. The reason of the signal that every command gets, and the exit code that tells it. */
export class Interrupt extends Error {
  override readonly name = 'AbortError';
  readonly exitCode: number;

  /** @param message what is told to the user; nothing when empty */
  constructor(message: string, exitCode: number) {
    super(message);
    this.exitCode = exitCode;
  }
}
