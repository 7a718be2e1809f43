import ts from 'typescript';

export interface Import {
  /** As written, e.g. `../graph.js` or `sqlite3`. */
  specifier: string;
  /** Erased by the compiler: nothing is loaded at run time. */
  typeOnly: boolean;
  line: number;
}

/**
 * Everything that a source file asks for: import and export statements, `import()`, `require()`, import types, and files
 * loaded by URL (`new URL('./worker.js', import.meta.url)`). Of a .svelte file, its scripts are read.
 */
export function importsOf(path: string, text: string): Import[] {
  const source = path.endsWith('.svelte') ? scriptsOf(text) : text;
  const file = ts.createSourceFile(path.replace(/\.svelte$/, '.ts'), source, ts.ScriptTarget.ES2023, true);
  const imports: Import[] = [];
  const add = (node: ts.Node, specifier: ts.Node | undefined, typeOnly: boolean): void => {
    if (specifier !== undefined && ts.isStringLiteralLike(specifier)) {
      const line = file.getLineAndCharacterOfPosition(node.getStart()).line + 1;
      imports.push({ specifier: specifier.text, typeOnly, line });
    }
  };
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword);
    } else if (ts.isExportDeclaration(node)) {
      add(node, node.moduleSpecifier, node.isTypeOnly);
    } else if (ts.isImportEqualsDeclaration(node) && ts.isExternalModuleReference(node.moduleReference)) {
      add(node, node.moduleReference.expression, node.isTypeOnly);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      add(node, node.argument.literal, true);
    } else if (ts.isCallExpression(node) && loadsModule(node.expression)) {
      add(node, node.arguments[0], false);
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'URL') {
      if (node.arguments?.[1]?.getText() === 'import.meta.url') {
        add(node, node.arguments[0], false);
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return imports;
}

function loadsModule(callee: ts.Expression): boolean {
  return (
    callee.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(callee) && callee.text === 'require')
  );
}

/** The scripts of a Svelte component, with everything else blanked so that line numbers stay. */
function scriptsOf(component: string): string {
  let result = '';
  let last = 0;
  for (const match of component.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)) {
    const start = match.index + match[0].indexOf('>') + 1;
    result += component.slice(last, start).replace(/[^\n]/g, ' ') + match[1];
    last = start + match[1].length;
  }
  return result;
}
