// Tailwind 4 compiles app/globals.css; there is no other CSS step.
export default { plugins: { "@tailwindcss/postcss": {} } };
