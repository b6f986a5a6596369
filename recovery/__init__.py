"""Record and workflows compared, set right, and rebuilt. The record is the truth; a workflow is put back to it."""
