// Run under `ulimit -f`: writes a file larger than the limit, and prints the error. Arguments: bundled module, path, bytes.
const [, , module, path, bytes] = process.argv;
const { writeFileAtomic } = await import(module);
try {
  await writeFileAtomic(path, new Uint8Array(Number(bytes)));
  console.log('written');
} catch (error) {
  console.log(JSON.stringify({ name: error.name, message: error.message, code: error.cause?.code }));
}
