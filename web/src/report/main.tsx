import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { applyTheme } from "../frame/theme";
import "../theme.css";
import { embedded } from "./document";
import { ReportPage } from "./ReportPage";

applyTheme();
const report = embedded(document);
document.title = report.title;

createRoot(document.getElementById("root")!).render(
  <StrictMode>
    <ReportPage report={report} />
  </StrictMode>,
);
