import { z } from 'zod';

/** What `docs/configuration.md` says of an environment variable. */
export interface VariableText {
  /** Markdown, with links relative to `docs/`. */
  readonly text: string;
  /** What a valid value is, if the schema does not say so. */
  readonly format?: string;
  /** What applies without the variable, if that is not the default of the schema. */
  readonly unset?: string;
  /** What is secret: the value, or the content of the file. Undefined: nothing. */
  readonly secret?: string;
  /** When a change of the file is used. Undefined: at the next start. */
  readonly reread?: string;
}

/** By schema of one variable, as the object of all variables has it. */
export const variableTexts = z.registry<VariableText>();

/** What a valid value is, by schema of a type of values. Enumerations need none. */
export const valueFormats = z.registry<{ readonly format: string }>();
