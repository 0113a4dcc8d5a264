// Shown at once on every change of page while its data is read.
import { PageSkeleton } from "#components/ui/skeleton.tsx";

export default function Loading() {
  return <PageSkeleton label="page" />;
}
