// Compiles every answer against the type that the client declares for its method.
//
// Null passes for every key, as in check.mjs. Keys that a type does not have are no matter of the compiler here: they are
// looked at by check.mjs, with the examples of the documents.
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

// "Object literal may only specify known properties".
const MORE_KEYS = 2353;

const options = {
  noEmit: true,
  strict: false,
  skipLibCheck: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
};

// What the compiler has against the answers, each with API and method before it.
export function broken(answers) {
  // A file beside this one that is only in memory, so that the client is found from it.
  const name = fileURLToPath(new URL('answers.ts', import.meta.url));
  const line = ({ api, part, id, value }, place) =>
    `const a${place}: Awaited<ReturnType<${api}.${part}['${id}']>> = ${JSON.stringify(value)};`;
  const text = ["import type { v1, v2 } from 'pipedrive';", ...answers.map(line), 'export {};'].join('\n');
  const host = ts.createCompilerHost(options);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists.call(host, file);
  host.getSourceFile = (file, ...rest) =>
    file === name ? ts.createSourceFile(file, text, options.target) : getSourceFile.call(host, file, ...rest);
  const program = ts.createProgram([name], options, host);
  return ts.getPreEmitDiagnostics(program).filter(({ code }) => code !== MORE_KEYS).map((found) => {
    const message = ts.flattenDiagnosticMessageText(found.messageText, ' ').slice(0, 300);
    const own = found.file?.fileName === name && answers[found.file.getLineAndCharacterOfPosition(found.start).line - 1];
    return own ? `${own.api} ${own.id}: ${message}` : message;
  });
}
