# Commands of the plan that are not there say so
embscope knn demo -k 10
