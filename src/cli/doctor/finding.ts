/** What a check found. */
import { isAbort, StaveError } from '../../errors.ts';

export type Finding = {
  check: string;
  /** `none`: not there, and not needed. `warn`: stave works, but not as well as it could. `fail`: something of it does not work. */
  status: 'ok' | 'none' | 'warn' | 'fail';
  found: string;
  /** What to do; absent when all is well. */
  fix?: string;
};

/** Named as its finding is. */
export type Check = ((signal: AbortSignal) => Promise<Finding>) & { readonly check: string };

/** A check whose error is its finding. */
export function checking(check: string, look: (signal: AbortSignal) => Promise<Omit<Finding, 'check'>>): Check {
  const run = async (signal: AbortSignal): Promise<Finding> => {
    try {
      return { check, ...(await look(signal)) };
    } catch (error) {
      if (isAbort(error, signal)) throw error;
      const { what, why, fix } = error instanceof StaveError ? error : { what: (error as Error).message, why: undefined, fix: undefined };
      return { check, status: 'fail', found: [what, why].filter(Boolean).join(': '), fix: fix ?? 'run npm ci (or npm install stave) again; if that does not help, it is a bug in stave' };
    }
  };
  return Object.assign(run, { check });
}
