// What makes copies of a master differ, in types: variables by scope, what an operator declared for a release, what a look through
// its bytes found, and what one PC is to be told, frozen when its plan was applied. lib/localize decides and renders.

export const SCOPES = ["global", "classroom", "node"] as const;
/** The later wins over the earlier. */
export type Scope = (typeof SCOPES)[number];

/** A name that may have values. */
export interface VariableName {
  readonly name: string;
  /** Its values are sealed and shown to nobody. */
  readonly isSecret: boolean;
  /** No two PCs may have the same value. */
  readonly isUnique: boolean;
  readonly note: string;
}

export interface Variable {
  readonly name: string;
  readonly scope: Scope;
  /** Group or node id; "" for global ones. */
  readonly scopeId: string;
  /** Null: a secret, which is shown to nobody. */
  readonly value: string | null;
  /** A secret's value as it is kept; null for all others. */
  readonly sealed: string | null;
}

export interface ResolvedVariable {
  readonly value: string | null;
  readonly sealed: string | null;
  readonly from: Scope;
}

/** A file for identity volumes, with {{variables}} in it. */
export interface IdentityFile {
  /** Below files/ on the volume. */
  readonly path: string;
  readonly template: string;
}

export const ENCODINGS = ["utf8", "utf16le"] as const;
export type Encoding = (typeof ENCODINGS)[number];

export const PADDINGS = ["space", "nul"] as const;
/** What fills a token's place up behind the value. */
export type Padding = (typeof PADDINGS)[number];

export interface TokenPlace {
  /** Of the image. */
  readonly offsetBytes: number;
  readonly lengthBytes: number;
  readonly encoding: Encoding;
  /** The variable's name, without the underscores that fill it up. */
  readonly name: string;
}

/** A token as it was found, with the hash of it and what lies around it for each page that it touches. */
export interface FoundToken extends TokenPlace {
  readonly surroundings: readonly string[];
}

export const OBSTACLE_REASONS = [
  "encrypted",
  "checksummed",
  "compressed",
  "not-unmounted",
  "dirty-hive",
] as const;

/** Why bytes of an image must not be replaced. */
export interface Obstacle {
  readonly reason: (typeof OBSTACLE_REASONS)[number];
  /** One sentence for people. */
  readonly explanation: string;
  /** It stands against this token only; absent: against all in the image. */
  readonly token?: string;
}

/** What a look through a master's bytes found, by image. */
export type TokenScan = readonly {
  readonly partition: string;
  readonly tokens: readonly FoundToken[];
  readonly obstacles: readonly Obstacle[];
}[];

export interface DeclaredToken {
  readonly name: string;
  readonly padding: Padding;
  /** In how many places it must be found: one more or less means that the master is not what was meant. */
  readonly count: number;
}

/** One change to a file by a tool of the maintenance system; strings may hold {{variables}}. */
export type RecipeTemplate = Readonly<Record<string, string | number>>;

/** What an operator declared for a release. Nothing else of it is replaced. */
export interface LocalizationSpec {
  /** The image that becomes the identity volume; null: PCs get none. */
  readonly identityImage: string | null;
  readonly tokens: readonly DeclaredToken[];
  readonly recipes: readonly RecipeTemplate[];
}

export const NO_SPEC: LocalizationSpec = { identityImage: null, tokens: [], recipes: [] };

/** What one PC is told: all that rendering needs beside the master's bytes. */
export interface LocalizationContent {
  /** By name. */
  readonly values: Readonly<Record<string, string>>;
  /** Secrets by name, as they are kept. */
  readonly sealed: Readonly<Record<string, string>>;
  readonly files: readonly IdentityFile[];
  readonly identityImage: string | null;
  readonly tokens: readonly Omit<DeclaredToken, "count">[];
  readonly recipes: readonly RecipeTemplate[];
}

export const IDENTITY_STATES = ["localized", "stale", "not-localized", "duplicate"] as const;
export type IdentityState = (typeof IDENTITY_STATES)[number];

/** Whether a PC holds what it is told. */
export interface NodeIdentity {
  readonly state: IdentityState;
  /** For people: since when, or what is wrong. */
  readonly words: string;
}
