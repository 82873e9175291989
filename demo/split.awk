# awk -v part=hospital|laboratory -f split.awk data/wdbc.csv: one organisation's table as CSV, with the row number as patient id.
BEGIN {
  FS = OFS = ","
  split("radius texture perimeter area smoothness compactness concavity concave_points symmetry fractal_dimension", names, " ")
  split("mean error worst", kinds, " ")
}
NR == 1 {
  if (part == "hospital") { print "patient_id,diagnosis"; next }
  line = "patient_id"
  for (k = 1; k <= 3; k++) for (n = 1; n <= 10; n++) line = line OFS names[n] "_" kinds[k]
  print line
  next
}
part == "hospital" { print NR - 1, ($31 == 0 ? "malignant" : "benign"); next }
{ line = NR - 1; for (i = 1; i <= 30; i++) line = line OFS $i; print line }
