"use client";

// The body of every error page: what happened in words, and the one button that may help.
import { CloudAlert } from "lucide-react";
import { Button } from "#components/ui/button.tsx";
import { failureWords } from "./failure-words.ts";

export function ErrorView({ digest, retry }: { digest: string | undefined; retry: () => void }) {
  const words = failureWords(digest);
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center px-4 py-20 text-center">
      <CloudAlert aria-hidden size={32} strokeWidth={1.5} className="text-bad" />
      <h1 className="mt-3 text-xl">{words.title}</h1>
      <p className="mt-1.5 text-ink-2">{words.hint}</p>
      <Button variant="primary" className="mt-5" onClick={retry}>
        Try again
      </Button>
    </div>
  );
}
