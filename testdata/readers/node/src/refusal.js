/** What a reader refuses, named by the number of the rule in the specification. */
export class Refusal extends Error {
  /**
   * @param {string} rule such as "T-4"
   * @param {string} message
   * @param {{cause?: unknown}} [options]
   */
  constructor(rule, message, options) {
    super(`${rule}: ${message}`, options);
    this.name = 'Refusal';
    this.rule = rule;
  }
}

/**
 * Refuses with rule unless the condition holds.
 * @param {unknown} condition
 * @param {string} rule
 * @param {string} message
 */
export function must(condition, rule, message) {
  if (!condition) throw new Refusal(rule, message);
}

/**
 * Runs f. What it refuses is refused under the rule of the structure around it:
 * a device record that breaks D-3 makes the card break C-4.
 * @template T
 * @param {string | ((inner: string) => string)} rule
 * @param {() => T} f
 * @returns {T}
 */
export function within(rule, f) {
  try {
    return f();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const outer = typeof rule === 'function' ? rule(error.rule) : rule;
    throw new Refusal(outer, error.message, { cause: error });
  }
}
