// People who sign in: their roles, and the one rule about changing them, which is that an installation keeps an administrator.
// Without it a click could leave nobody who can let PCs or people in, and only a hand on the database would help.

export const ROLES = ["viewer", "operator", "admin"] as const;
export type Role = (typeof ROLES)[number];

/** What signing in answers to somebody whose password is right but whose sign-in is disabled. */
export const SIGN_IN_DISABLED = "SIGN_IN_DISABLED";

export interface Person {
  readonly id: string;
  readonly role: Role;
  readonly signInDisabled: boolean;
}

/** What an administrator changes about a person: one of the two, or both. */
export type PersonChange = Partial<Pick<Person, "role" | "signInDisabled">>;

/** Decides whether somebody could still administer after the change. */
export function leavesAnAdmin(people: readonly Person[], personId: string, change: PersonChange): boolean {
  return people.some((person) => {
    const after = person.id === personId ? { ...person, ...change } : person;
    return after.role === "admin" && !after.signInDisabled;
  });
}
