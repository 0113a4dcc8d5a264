"use client";

// A page inside the frame failed: the menu stays, the page says why.
import { useRouter } from "next/navigation";
import { startTransition } from "react";
import { ErrorView } from "../error-view.tsx";

export default function ConsoleError({
  error,
  reset,
}: {
  error: Error & { digest?: string };
  reset: () => void;
}) {
  const router = useRouter();
  const retry = () =>
    startTransition(() => {
      router.refresh();
      reset();
    });
  return <ErrorView digest={error.digest} retry={retry} />;
}
