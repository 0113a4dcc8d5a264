"use client";

// When even the frame could not be drawn: no session could be read, no database answered.
import { ErrorView } from "./error-view.tsx";

export default function RootError({ error }: { error: Error & { digest?: string } }) {
  return (
    <main>
      <ErrorView digest={error.digest} retry={() => window.location.reload()} />
    </main>
  );
}
