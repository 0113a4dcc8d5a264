// What every longer work of the engine takes: a way to be stopped, and someone to tell how far it is.

export interface Progress {
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface WorkOptions {
  readonly signal?: AbortSignal;
  /** Called often; the receiver thins it out. */
  readonly onProgress?: (progress: Progress) => void;
}
