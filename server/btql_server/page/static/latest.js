// Work of which only the last matters, such as fetching the span that is chosen while someone runs along the list.

/**
 * Runs one job at a time; of those that are asked for meanwhile, only the last. What has begun is not cancelled: a
 * server cannot always stop a query at once, and whoever presses a key often must not keep it busy with leftovers.
 */
export class Latest {
  constructor() {
    this.busy = false;
    this.waiting = null;
  }

  /** Run a job once nothing else runs. */
  async run(job) {
    this.waiting = job;
    if (this.busy) return;
    this.busy = true;
    try {
      while (this.waiting !== null) {
        const next = this.waiting;
        this.waiting = null;
        await next();
      }
    } finally {
      this.busy = false;
    }
  }
}
