import type { ReportView } from '../src-main/service/manifest.js';

/** Hands a report to the user as a file: it is a page of its own and is not shown inside the window. */
export function saveReport(report: ReportView): void {
  const address = URL.createObjectURL(new Blob([report.html], { type: 'text/html' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = report.fileName;
  link.click();
  // The browser has taken the content over by the next turn; a minute is generous for slow disks.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
